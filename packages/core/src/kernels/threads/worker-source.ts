import {
  ACTIVE,
  COUNT,
  DONE,
  FAILED,
  FAILURES,
  ROUND,
  STATES,
  UNIT_NUMBERS,
  UNITS_AT,
  WORKSPACES,
} from './control.ts';

/** What a worker is sent once. */
export interface Start {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly control: SharedArrayBuffer;
  /** Its place in the team, from 1; the caller is 0. */
  readonly place: number;
  /** Kernels by number. */
  readonly names: readonly string[];
}

/** Looks that a worker takes at the round before it sleeps: about as long as waking it would take. */
const LOOKS = 4000;

/**
 * The program of a worker, in Node and in browsers, as text: it then needs no file that a bundler would have to find.
 * It answers a {@link Start} with `ready`, and from then on looks at shared memory only.
 */
export const workerSource: string = `
'use strict';
const port = typeof self === 'object' ? self : require('node:worker_threads').parentPort;
port.onmessage = ({ data: { module, memory, control, place, names } }) => {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const kernels = names.map((name) => exports[name]);
  const words = new Int32Array(control);
  const units = new Float64Array(control, ${UNITS_AT});
  const run = (unit) => {
    const at = unit * ${UNIT_NUMBERS};
    const values = Array.from(units.subarray(at + 3, at + 3 + units[at + 2]));
    if (units[at + 1]) values.push(Atomics.load(words, ${WORKSPACES} + place));
    try {
      kernels[units[at]](...values);
    } catch {
      Atomics.store(words, ${STATES} + unit, ${FAILED});
      Atomics.add(words, ${FAILURES}, 1);
    }
    if (Atomics.add(words, ${DONE}, 1) + 1 === Atomics.load(words, ${COUNT})) Atomics.notify(words, ${DONE});
  };
  let round = Atomics.load(words, ${ROUND});
  port.postMessage('ready');
  for (;;) {
    for (let look = 0; look < ${LOOKS} && Atomics.load(words, ${ROUND}) === round; look++);
    Atomics.wait(words, ${ROUND}, round);
    const next = Atomics.load(words, ${ROUND});
    if (next === round) continue;
    round = next;
    if (round < 0) return void port.close();
    const [count, active] = [Atomics.load(words, ${COUNT}), Atomics.load(words, ${ACTIVE})];
    if (place >= active) continue;
    for (let i = 0, unit = Math.floor((place * count) / active); i < count; i++, unit = (unit + 1) % count)
      if (Atomics.compareExchange(words, ${STATES} + unit, round, -round) === round) run(unit);
  }
};
`;
