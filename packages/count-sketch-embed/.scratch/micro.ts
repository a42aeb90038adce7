import * as tf from '@tensorflow/tfjs';
import { useBackend } from '@ockham/core/backend/node';
import { Random } from '@ockham/core/random';
import { CountSketchEmbedding } from '@ockham/count-sketch-embed';
import { DistinctFinder } from '../src/kernels/index.ts';
import { sketchKernelsOf } from '../src/kernels/sketch-kernels.ts';
import { kernelsOf, hostOf } from '@ockham/core/backend';
await useBackend('wasm');
const [V, D, B, L] = [30522, 128, 32, 128];
const random = new Random(1);
const perm = random.stream('ranks').permutation(V);
const up = new Float64Array(V); for (let k=0,s=0;k<V;k++) up[k]=s+=1/(k+1);
const dr = random.stream('draws');
const toks = Int32Array.from({length:B*L},()=>{const at=dr.uniform()*up[V-1]!;let lo=0,hi=V-1;while(lo<hi){const m=(lo+hi)>>1;if(up[m]!<at)lo=m+1;else hi=m;}return perm[lo]!;});
const ids = tf.tensor2d(toks,[B,L],'int32');
const layer = new CountSketchEmbedding({vocabulary:V,dimension:D,hashes:3,rows:Math.floor(V/16/3),seed:1});
layer.apply(ids);
const finder = new DistinctFinder(V);
const entries = layer.slots.rows.map((r,i)=>r*D*2+(layer.slots.signs[i]!<0?1:0));
const {attached,kernels}=sketchKernelsOf(tf.backend())!;
const host=hostOf(tf.backend());
const out=host.allocate([4096,128],'float32'); const dy=tf.ones([4096,128]); const to=host.allocate([1905,128],'float32');
const sketch=layer.weights[0]!.read();
const {ids:different,places}=finder.find(toks);
const slots=new Int32Array(different.length*3);
const fill=()=>{for (let k = 0, at = 0; k < different.length; k++) for (let from = different[k]! * 3, i = 0; i < 3; i++) slots[at++] = entries[from++]!;};
fill();
const n=4096,u=different.length;
const ws=attached.allocate(4*(n+3*u+u*D)+kernels.workspaceBytes(u,3)+64);
const mem=new Int32Array(attached.memory.buffer,ws,n+3*u); mem.set(places); mem.set(slots,n);
const sums=ws+4*(n+3*u); const w2=sums+4*u*D;
const v=tf.variable(sketch.clone()),m1=tf.variable(tf.zerosLike(sketch)),m2=tf.variable(tf.zerosLike(sketch));
const big=tf.variable(tf.zeros([V,D])),b1=tf.variable(tf.zeros([V,D])),b2=tf.variable(tf.zeros([V,D])),bg=tf.ones([V,D]);
const sc=attached.allocate(32); new Float32Array(attached.memory.buffer,sc,8).set([.9,.1,.999,.001,.1,.001,1e-7,-1e-3]);
const made=host.allocate([1905,128],'float32'), bmade=host.allocate([V,D],'float32');
const A=(t:any)=>attached.address(t);
const nop = attached.allocate(64);
const variants:Record<string,()=>void>={
 'dataSync+check': ()=>{const x=ids.dataSync();let bad=0;for(let i=0;i<x.length;i++){const id=x[i]!;if(Number.isInteger(id)&&id>=0&&id<V)continue;bad++;}Int32Array.from(x);},
 'from': ()=>{Int32Array.from(toks);},
 'distinct': ()=>{finder.find(toks);},
 'fill slots': fill,
 'write': ()=>{const mm=new Int32Array(attached.memory.buffer,ws,n+3*u); mm.set(places); mm.set(slots,n);},
 'k lookUp': ()=>kernels.lookUp(n,u,3,1,D,ws,ws+4*n,0,A(sketch),A(out),w2),
 'k gradient': ()=>kernels.gradient(n,u,3,1,D,ws,ws+4*n,0,A(sketch),A(dy),A(to),sums,w2),
 'zero to': ()=>{host.view(to).fill(0);},
 'adam small': ()=>{attached.kernels.adamStep(v.size,A(v),A(m1),A(m2),A(to),A(made),sc);},
 'adam big': ()=>{attached.kernels.adamStep(big.size,A(big),A(b1),A(b2),A(bg),A(bmade),sc);},
 'zeros 2MB': ()=>{host.view(out).fill(0);},
};
const times:Record<string,number[]>={};
for(let r=0;r<1500;r++)for(const[k,f]of Object.entries(variants)){const t=performance.now();f();const e=performance.now()-t;if(r>20)(times[k]??=[]).push(e);}
for(const[k,t]of Object.entries(times)){t.sort((a,b)=>a-b);console.log(k.padEnd(16),'min',t[0]!.toFixed(3),'q1',t[Math.floor(t.length/4)]!.toFixed(3),'med',t[t.length>>1]!.toFixed(3));}
process.exit(0);
