import * as tf from '@tensorflow/tfjs';
import { useBackend } from '@ockham/core/backend';
import { Random } from '@ockham/core/random';
import { trainableVariables } from '@ockham/core/training';
import { CountSketchEmbedding, SparseAdam, tablesOf } from '@ockham/count-sketch-embed';
const engine = process.argv[2] ?? 'wasm';
const node = await import('@ockham/core/backend/node').catch(() => undefined) as any;
await (node?.useBackend ?? useBackend)(engine as any);
const [V, D, B, L] = [30522, 128, 32, 128];
const random = new Random(1);
const perm = random.stream('ranks').permutation(V);
const up = new Float64Array(V); for (let k=0,s=0;k<V;k++) up[k]=s+=1/(k+1);
const dr = random.stream('draws');
const toks = Int32Array.from({length:B*L},()=>{const at=dr.uniform()*up[V-1]!;let lo=0,hi=V-1;while(lo<hi){const m=(lo+hi)>>1;if(up[m]!<at)lo=m+1;else hi=m;}return perm[lo]!;});
const ids = tf.tensor2d(toks,[B,L],'int32');
const labels = tf.oneHot(tf.tensor1d(Array.from({length:B},(_, i)=>i%2),'int32'),2);
function net(table: tf.layers.Layer){ const i=tf.input({shape:[L],dtype:'int32'}); const p=tf.layers.globalAveragePooling1d({}).apply(table.apply(i)); return tf.model({inputs:i,outputs:tf.layers.dense({units:2}).apply(p) as tf.SymbolicTensor}); }
const sk = () => new CountSketchEmbedding({vocabulary:V,dimension:D,hashes:3,rows:Math.floor(V/16/3),seed:1});
const cl = net(tf.layers.embedding({inputDim:V,outputDim:D}));
const layer = sk(); const cs = net(layer as any);
const stepOf=(n:tf.LayersModel,o:tf.Optimizer,stage=3)=>{const v=trainableVariables(n);return()=>tf.tidy(()=>{
  const loss=()=>tf.losses.softmaxCrossEntropy(labels,n.apply(ids) as tf.Tensor) as tf.Scalar;
  if(stage===1){loss().dataSync();return;}
  const {value,grads}=tf.variableGrads(loss,v); if(stage===3)o.applyGradients(grads); value.dataSync(); Object.values(grads).forEach(g=>stage===2&&g.dataSync().length);});};
const tab = trainableVariables(cl)[0]!;
const big = tf.zeros([B,L,D]);
const dy = tf.ones([B,D]);
const variants: Record<string,()=>void> = {
  'classical step': stepOf(cl,tf.train.adam(1e-3)),
  'classical forward': stepOf(cl,tf.train.adam(1e-3),1),
  'classical grads': stepOf(cl,tf.train.adam(1e-3),2),
  'sketch step': stepOf(cs,tf.train.adam(1e-3)),
  'sketch forward': stepOf(cs,tf.train.adam(1e-3),1),
  'sketch grads': stepOf(cs,tf.train.adam(1e-3),2),
  'sketch sparse step': stepOf(cs,new SparseAdam(tablesOf(cs))),
  'gather': ()=>tf.tidy(()=>{tf.slice(tf.gather(tab,ids),[0,0,0],[1,1,1]).dataSync();}),
  'look-up': ()=>tf.tidy(()=>{tf.slice(layer.apply(ids) as tf.Tensor,[0,0,0],[1,1,1]).dataSync();}),
  'mean': ()=>tf.tidy(()=>{tf.mean(big,1).dataSync();}),
  'mean+grad': ()=>tf.tidy(()=>{tf.slice(tf.grad(x=>tf.sum(tf.mul(tf.mean(x,1),dy)))(big),[0,0,0],[1,1,1]).dataSync();}),
};

const only = process.argv[3]?.split(',');
const times: Record<string,number[]> = {}; const cpu: Record<string,number[]> = {};
const N = Number(process.argv[4] ?? 60);
for(let r=0;r<N;r++) for(const [k,f] of Object.entries(variants)){ if(only&&!only.some(o=>k.startsWith(o)))continue; const c=process.cpuUsage(); const t=performance.now();for(let q=0;q<5;q++)f();const e=(performance.now()-t)/5;const u=process.cpuUsage(c);if(r>5){(times[k]??=[]).push(e);(cpu[k]??=[]).push((u.user+u.system)/5000);}}
const line=(t:number[])=>{t.sort((a,b)=>a-b);return `min ${t[0]!.toFixed(2)} q1 ${t[Math.floor(t.length/4)]!.toFixed(2)} med ${t[Math.floor(t.length/2)]!.toFixed(2)}`;};
for(const k of Object.keys(times))console.log(k.padEnd(22),line(times[k]!).padEnd(40),'| cpu',line(cpu[k]!));
process.exit(0);
