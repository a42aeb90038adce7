/** Whether tensors and memory stay flat over hours of the same work. */
import { mkdir, writeFile } from 'node:fs/promises';
import { memory } from '@tensorflow/tfjs';
import { machine } from './machine.ts';

const TOLERANCE = 0.05;

/** What the process holds at one moment, in bytes but for `tensors`. */
interface Held {
  readonly tensors: number;
  readonly tensorBytes: number;
  /** Of the JavaScript engine after a collection, array buffers included. */
  readonly heap: number;
  /** Of the process, the engine's own memory included. */
  readonly resident: number;
}

export interface Verdict {
  /** Median of the second tenth of the samples, when caches and buffers are full. */
  readonly early: number;
  /** Median of the last tenth. */
  readonly late: number;
  /** late / early − 1. */
  readonly growth: number;
  /** Tensors may not grow at all, memory by 5 % at most. */
  readonly flat: boolean;
}

export class Soak {
  readonly #unit: string;
  readonly #samples: (Held & { readonly done: number; readonly seconds: number })[] = [];
  readonly #start = performance.now();
  readonly #collect: () => void;

  /** @param unit What is counted: `examples`, `steps`. The process must run with `--expose-gc`. */
  constructor(unit: string) {
    const { gc } = globalThis as { gc?: () => void };
    if (gc === undefined) throw new Error('soak: needs --expose-gc, as `pnpm soak` passes it.');
    this.#unit = unit;
    this.#collect = gc;
  }

  /** Seconds since the start. */
  get seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  /** Notes and prints what the process holds after `done` of the work. */
  sample(done: number): void {
    this.#collect();
    const { numTensors, numBytes } = memory();
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
    const held = { tensors: numTensors, tensorBytes: numBytes, heap: heapUsed + arrayBuffers, resident: rss };
    const seconds = Math.round(this.seconds);
    this.#samples.push({ done, seconds, ...held });
    const words = Object.entries(held).map(([key, value]) => `${key} ${value > 1e6 ? `${(value / 2 ** 20).toFixed(1)} MiB` : value}`); // prettier-ignore
    process.stdout.write(`${this.#unit} ${done}  seconds ${seconds}  ${words.join('  ')}\n`);
  }

  verdicts(): Record<keyof Held, Verdict> {
    return judge(this.#samples);
  }

  /**
   * Prints the verdicts; the exit code is 1 where something grew.
   *
   * @param file Where they go as JSON with every fifth sample and `about`; nowhere if undefined.
   */
  async end(file: URL | undefined, about: Readonly<Record<string, unknown>>): Promise<void> {
    const verdicts = this.verdicts();
    for (const [key, { early, late, growth, flat }] of Object.entries(verdicts))
      process.stdout.write(
        `${key}: ${early} → ${late}, ${(100 * growth).toFixed(2)} %: ${flat ? 'flat' : 'NOT FLAT'}\n`,
      );
    if (!Object.values(verdicts).every(({ flat }) => flat)) process.exitCode = 1;
    if (!file) return;
    const { cpu, cores, node } = await machine();
    const result = {
      ...about,
      machine: { cpu, cores, node },
      [this.#unit]: this.#samples.at(-1)?.done,
      seconds: Math.round(this.seconds),
      verdicts,
      samples: this.#samples
        .filter((_, i) => i % 5 === 4)
        .map(({ done, ...rest }) => ({ [this.#unit]: done, ...rest })),
    };
    await mkdir(new URL('.', file), { recursive: true });
    await writeFile(file, `${JSON.stringify(result, undefined, 2)}\n`);
  }
}

/** The verdict of each kind, from at least ten samples. */
export function judge(samples: readonly Held[]): Record<keyof Held, Verdict> {
  const tenth = Math.floor(samples.length / 10);
  if (tenth < 1)
    throw new Error(`soak: ten samples are the least to judge, got ${samples.length}. Run longer.`);
  const verdict = (key: keyof Held): Verdict => {
    const early = median(samples.slice(tenth, 2 * tenth).map((sample) => sample[key]));
    const late = median(samples.slice(-tenth).map((sample) => sample[key]));
    const growth = late / early - 1;
    return { early, late, growth, flat: key.startsWith('tensor') ? late <= early : growth <= TOLERANCE };
  };
  return {
    tensors: verdict('tensors'),
    tensorBytes: verdict('tensorBytes'),
    heap: verdict('heap'),
    resident: verdict('resident'),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
