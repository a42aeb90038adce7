/** Reads altered files in a process of its own: `<seed> <from> <to> <format>…`, runs counted for each format. */
import '@tensorflow/tfjs';
import { useBackend } from '@ockham/core/backend/node';
import { attempt, prepare } from './attempt.ts';
import { formats } from './formats/all.ts';
import { scratch } from './scratch.ts';

/** What the worker tells; `began` lets the parent know which file hangs. */
export type FuzzMessage =
  | { readonly kind: 'began'; readonly format: string; readonly run: number }
  | { readonly kind: 'refused'; readonly format: string; readonly code: string }
  | { readonly kind: 'read'; readonly format: string; readonly same: boolean }
  | { readonly kind: 'wrong'; readonly format: string; readonly run: number; readonly why: string }
  | { readonly kind: 'grew'; readonly format: string; readonly run: number; readonly megabytes: number };

const [seed, from, to] = process.argv.slice(2, 5).map(Number) as [number, number, number];
const wanted = process.argv.slice(5);
const tell = (message: FuzzMessage) => process.send!(message);

const NOTABLE = 64; // megabytes that one file may add to the peak before it is told

await useBackend('wasm');
const home = scratch();
for (const format of formats.filter(({ name }) => wanted.includes(name))) {
  tell({ kind: 'began', format: format.name, run: -1 });
  const subject = await prepare(format, home);
  for (let run = from; run < to; run++) {
    const peak = peakMegabytes();
    tell({ kind: 'began', format: format.name, run });
    const outcome = await attempt(subject, seed, run, home);
    if (outcome.ended === 'refused') tell({ kind: 'refused', format: format.name, code: outcome.code });
    else if (outcome.ended === 'read') tell({ kind: 'read', format: format.name, same: outcome.same });
    else tell({ kind: 'wrong', format: format.name, run, why: outcome.why });
    const grown = peakMegabytes() - peak;
    if (grown > NOTABLE) tell({ kind: 'grew', format: format.name, run, megabytes: grown });
  }
}
process.disconnect();
process.exit();

function peakMegabytes(): number {
  return process.resourceUsage().maxRSS / 1024;
}
