import { fuzz } from './src/fuzz.ts';
import { formats } from './src/formats/all.ts';
const t = performance.now();
const only = process.argv.slice(3);
const r = await fuzz({
  formats: formats.map((f) => f.name).filter((n) => !only.length || only.includes(n)),
  runs: Number(process.argv[2]),
  seed: 1,
});
for (const [k, v] of Object.entries(r.tallies)) console.log(k, JSON.stringify(v));
for (const f of r.failures) console.log('FAILED', f.slice(0, 900));
console.log(r.growths, (performance.now() - t) / 1000);
