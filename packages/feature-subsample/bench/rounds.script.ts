import { runRank } from '@ockham/core/comm/node';
import { solve } from '@ockham/feature-subsample';

export interface Sizes {
  readonly rows: number;
  readonly columns: number;
  readonly batches: number;
}

/** Rounds between two records, whose certificate takes a gradient of one thread. */
export const ROUNDS = 40;

/** Gradient descent with a worker on each rank: milliseconds of a round, the least of several batches. */
await runRank<number, Sizes>(async (transport, { rows, columns, batches }) => {
  const values = Float64Array.from({ length: rows * columns }, (_, i) => Math.sin(1 + i * 0.7));
  const b = Float64Array.from({ length: rows }, (_, i) => Math.cos(i));
  const times: number[] = [];
  let last: number | undefined;
  await solve({ rows, columns, values }, b, {
    method: 'gd',
    workers: transport.size,
    transport,
    learningRate: 1 / (rows * columns),
    guard: 'off',
    collinear: 'off', // waves in steps of 0.7 are sums of two of them
    rounds: ROUNDS * (batches + 1),
    recordEvery: ROUNDS,
    progress() {
      const now = performance.now();
      if (last !== undefined) times.push((now - last) / ROUNDS);
      last = now;
    },
  });
  return Math.min(...times);
});
