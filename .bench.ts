import { loadCore } from "./wasm/load.ts";
import { nativeEngines } from "./wasm/native.ts";
const t0 = performance.now();
const first = await loadCore(); 
console.log("load auto", (performance.now()-t0).toFixed(1), "ms", first.engine);
const d=new Uint8Array(600).fill(3), seed=new Uint8Array(32).fill(7);
function bench(n: string,f: ()=>unknown,ms=400){ for(let i=0;i<20;i++)f(); let best=1e9; for(let r=0;r<4;r++){const t=performance.now();let k=0;while(performance.now()-t<ms/4){f();k++;} best=Math.min(best,(performance.now()-t)*1000/k);} console.log(n.padEnd(26),best.toFixed(2).padStart(9),"µs",String(Math.round(1e6/best)).padStart(9),"/s"); }
for (const [n,c] of [["native",await loadCore({engine:"native"})],["wasm",await loadCore({engine:"wasm"})],["js",await loadCore({wasm:"none"},null)]] as const) {
  const s=c.ed25519.signer(seed); const sig=s.sign(d); const low=new Uint8Array(64);low[0]=1;
  bench(n+" signer.sign",()=>s.sign(d)); bench(n+" sign(seed)",()=>c.ed25519.sign(seed,d)); bench(n+" verify",()=>c.ed25519.verify(s.publicKey,d,sig)); bench(n+" verify low-order R",()=>c.ed25519.verify(s.publicKey,d,low));
  bench(n+" blake3 600",()=>c.blake3(d)); bench(n+" sha256 600",()=>c.sha256(d));
  const t=performance.now(); for(let i=0;i<5;i++) await c.argon2id(seed,seed.subarray(10),{memoryKiB:19456,iterations:2,parallelism:1,length:32}); console.log(n,"argon2id",((performance.now()-t)/5).toFixed(1),"ms");
  const items=Array.from({length:n==="js"?300:3000},()=>({publicKey:s.publicKey,data:d,signature:sig}));
  for (let r=0;r<4;r++){ const t=performance.now(); await c.ed25519.verifyBatch(items); const e=performance.now()-t; console.log(n,"verifyBatch",items.length,e.toFixed(0),"ms",Math.round(items.length/e*1000),"/s"); }
}
