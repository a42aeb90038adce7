import { simulate, type Communicator } from '@ockham/core/comm';
import { Random } from '@ockham/core/random';
import {
  compressedState,
  flatLayout,
  gatherCompressedState,
  restoreCompressedState,
  type CompressedOptimizer,
  type FlatLayout,
  type SavedCompressedState,
} from '../src/index.ts';

/** Three layers, 29 parameters, with one that never has a gradient. */
export const layoutOn = (ranks: number): FlatLayout =>
  flatLayout(
    [
      { name: 'a', shape: [4, 5] },
      { name: 'b', shape: [3] },
      { name: 'c', shape: [6] },
    ],
    ranks,
  );

export const P = 29;
export const DEAD = 7;

const random = new Random(3);
/** A fixed point for each rank of up to 8, whose mean the quadratic below has for its minimum. */
export const targets: readonly Float32Array[] = Array.from({ length: 8 }, () =>
  Float32Array.from({ length: P }, () => random.normal(1)),
);
const curvature = Float32Array.from({ length: P }, () => random.uniform(0.5, 2));

/** ∇ of ½ Σ cᵢ(θᵢ − tᵢ)², with a disturbance of the step and rank. */
export function gradientOf(parameters: Float32Array, rank: number, step: number, noise = 0.1): Float32Array {
  return Float32Array.from(parameters, (theta, i) =>
    i >= P || i === DEAD
      ? 0
      : curvature[i]! * (theta - targets[rank]![i]!) +
        noise * Math.sin(7919 * step + 104_729 * rank + 31 * i),
  );
}

export interface RunOptions {
  readonly ranks: number;
  readonly steps: number;
  readonly learningRate?: number;
  readonly noise?: number;
  /** Goes on from here. */
  readonly from?: {
    readonly step: number;
    readonly parameters: Float32Array;
    readonly saved: SavedCompressedState;
  };
}

export interface RankResult {
  readonly parameters: Float32Array;
  readonly saved: SavedCompressedState;
  readonly losses: readonly number[];
  readonly sent: readonly number[];
}

/** Trains the quadratic; for each rank its parameters, the whole state, and the bytes that it sent in each step. */
export async function run(
  optimizer: CompressedOptimizer,
  options: RunOptions,
): Promise<readonly RankResult[]> {
  const { ranks, steps, learningRate = 0.02, noise = 0.1, from } = options;
  const layout = layoutOn(ranks);
  const { results } = await simulate(ranks, async ({ comm }) => {
    const parameters = new Float32Array(layout.padded);
    if (from) parameters.set(from.parameters.subarray(0, P));
    const state = from
      ? restoreCompressedState(optimizer, from.saved, layout, comm)
      : compressedState(optimizer, layout, comm);
    const slice = { parameters, state, begin: 0, end: layout.padded, layout };
    const first = (from?.step ?? 0) + 1;
    if (from) optimizer.restore?.(slice, from.step);
    const losses: number[] = [];
    const sent: number[] = [];
    for (let step = first; step <= steps; step++) {
      const before = comm.ledger.total().sent;
      await optimizer.step(slice, gradientOf(parameters, comm.rank, step, noise), {
        comm,
        step,
        learningRate,
      });
      sent.push(comm.ledger.total().sent - before);
      losses.push(lossOf(parameters, ranks));
    }
    return { parameters, saved: await gatherCompressedState(optimizer, state, layout, comm), losses, sent };
  });
  return results;
}

/** The mean of the ranks' quadratics above its minimum. */
export function lossOf(parameters: Float32Array, ranks: number): number {
  let loss = 0;
  for (let i = 0; i < P; i++) {
    if (i === DEAD) continue;
    let centre = 0;
    for (let rank = 0; rank < ranks; rank++) centre += targets[rank]![i]! / ranks;
    loss += 0.5 * curvature[i]! * (parameters[i]! - centre) ** 2;
  }
  return loss;
}

export const smoothness: { readonly L: number; readonly mu: number } = {
  L: Math.max(...curvature),
  mu: Math.min(...curvature),
};

/** Bytes that a rank sends in an all-reduce of the layout in float32. */
export async function allReduceBytes(ranks: number, length: number): Promise<number> {
  const { results } = await simulate(ranks, async ({ comm }: { comm: Communicator }) => {
    await comm.allReduce(new Float32Array(length));
    return comm.ledger.total().sent;
  });
  return results[0]!;
}
