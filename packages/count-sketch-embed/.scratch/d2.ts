import { DistinctFinder } from '../src/kernels/distinct.ts';
const V=30522; const r=()=>Math.random(); 
const up=new Float64Array(V);let s=0;for(let k=0;k<V;k++)up[k]=s+=1/(k+1);
const perm=Array.from({length:V},(_, i)=>i).sort(()=>r()-.5);
const toks=Int32Array.from({length:4096},()=>{const at=r()*s;let lo=0,hi=V-1;while(lo<hi){const m=(lo+hi)>>1;if(up[m]!<at)lo=m+1;else hi=m;}return perm[lo]!;});
const f=new DistinctFinder(V);
for(const N of [100,300,1000,5000]){let m=1e9;for(let i=0;i<N;i++){const t=performance.now();f.find(toks);m=Math.min(m,performance.now()-t);}console.log(N,m.toFixed(4));}
