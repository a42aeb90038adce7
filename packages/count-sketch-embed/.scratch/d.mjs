const V=30522; const r=()=>Math.random(); 
const up=new Float64Array(V);let s=0;for(let k=0;k<V;k++)up[k]=s+=1/(k+1);
const perm=Array.from({length:V},(_, i)=>i).sort(()=>r()-.5);
const toks=Int32Array.from({length:4096},()=>{const at=r()*s;let lo=0,hi=V-1;while(lo<hi){const m=(lo+hi)>>1;if(up[m]<at)lo=m+1;else hi=m;}return perm[lo];});
const mark=new Int32Array(V).fill(-1);let known=0;
function find(tokens){const n=tokens.length;const places=new Int32Array(n),found=new Int32Array(n);let count=0;const kn=known;
for(let i=0;i<n;i++){const id=tokens[i];let at=mark[id];if(at===undefined)throw 1;if(at<kn){at=mark[id]=kn+count;found[count++]=id;}places[i]=at-kn;}known=kn+count;return{ids:found.subarray(0,count),places};}
const P=new Int32Array(4096),F=new Int32Array(4096);
function find2(tokens){const n=tokens.length;const places=P,found=F;let count=0;const kn=known;
for(let i=0;i<n;i++){const id=tokens[i];let at=mark[id];if(at===undefined)throw 1;if(at<kn){at=mark[id]=kn+count;found[count++]=id;}places[i]=at-kn;}known=kn+count;return count;}
const ent=new Int32Array(V*3);
const sl=new Int32Array(3*4096);
function fill(different){for (let k = 0, at = 0; k < different.length; k++) for (let from = different[k] * 3, i = 0; i < 3; i++) sl[at++] = ent[from++];}
function fill2(d){let at=0;const n=d.length;for(let k=0;k<n;k++){const f=d[k]*3;sl[at]=ent[f];sl[at+1]=ent[f+1];sl[at+2]=ent[f+2];at+=3;}}
const D=find(toks).ids.slice();const D2=find(toks).ids;
for(const [k,f] of Object.entries({find:()=>find(toks),find2:()=>find2(toks),alloc:()=>{new Int32Array(4096);new Int32Array(4096)},fill:()=>fill(D),fillsub:()=>fill(D2),fill2:()=>fill2(D)})){let m=1e9;for(let i=0;i<3000;i++){const t=performance.now();f();m=Math.min(m,performance.now()-t);}console.log(k,m.toFixed(4));}
