import { launch } from '@ockham/core/comm/node';
import { quantile } from '@ockham/core/metrics';
import { ARMS, type Arm } from './attention-arms.ts';
import type { Cost, CostJob } from './attention-cost.script.ts';

/** What a row says. */
export type Measure =
  | 'times as fast'
  | 'MiB forward'
  | 'MiB forward and backward'
  | 'longest forward'
  | 'longest forward and backward'
  | 'output difference'
  | 'gradient difference'
  | 'test loss';

/** One measurement. */
export interface Measured {
  readonly measure: Measure;
  readonly arm: string;
  /** Tokens. */
  readonly length: number;
  readonly value: number;
}

export const MIB: number = 2 ** 20;

const SCRIPT = new URL('attention-cost.script.ts', import.meta.url);

/** Asks a fresh wasm engine in a thread of its own. */
async function ask(job: CostJob): Promise<Cost> {
  const [cost] = await launch<Cost>(1, SCRIPT, { data: job });
  return cost!;
}

/** Dense time ÷ a way's, the median of passes that follow each other. */
export async function measureTimes(lengths: readonly number[], repeats: number): Promise<Measured[]> {
  const rows: Measured[] = [];
  for (const length of lengths) {
    const { times } = await ask({ ask: 'times', arms: ARMS, length, repeats });
    for (const arm of ARMS.slice(1)) {
      const ratio = times.dense!.map((time, i) => time / times[arm]![i]!);
      rows.push({ measure: 'times as fast', arm, length, value: quantile(ratio, 0.5) });
    }
  }
  return rows;
}

/** Memory of one pass. */
export async function measureMemory(lengths: readonly number[]): Promise<Measured[]> {
  const rows: Measured[] = [];
  for (const length of lengths)
    for (const arm of ['dense', 'big-bird', 'longformer'] as const) {
      const [forward, both] = (await ask({ ask: 'bytes', arm, length, backward: true })).bytes;
      rows.push({ measure: 'MiB forward', arm, length, value: forward / MIB });
      rows.push({ measure: 'MiB forward and backward', arm, length, value: both / MIB });
    }
  return rows;
}

/** The longest sequences of a pass that a budget suffices for. */
export async function measureLongest(budget: number, step: number): Promise<Measured[]> {
  const rows: Measured[] = [];
  for (const backward of [false, true]) {
    const measure = backward ? 'longest forward and backward' : 'longest forward';
    const dense = await longestWithin(budget, 'dense', backward, { from: 256, step });
    const sparse = await longestWithin(budget, 'big-bird', backward, { from: 4 * dense, step });
    rows.push({ measure, arm: 'dense', length: dense, value: dense });
    rows.push({ measure, arm: 'big-bird', length: sparse, value: sparse });
  }
  return rows;
}

/** The longest sequence of those tried, each `step` times as long as the one before, that a budget of bytes suffices for. */
async function longestWithin(
  budget: number,
  arm: Arm,
  backward: boolean,
  { from, step }: { readonly from: number; readonly step: number },
): Promise<number> {
  let longest = 0;
  for (let length = from; ; length = 16 * Math.ceil((step * length) / 16)) {
    const [forward, both] = (await ask({ ask: 'bytes', arm, length, backward })).bytes;
    if ((backward ? both : forward) > budget) return longest;
    longest = length;
  }
}
