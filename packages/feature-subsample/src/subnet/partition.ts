/** Which neurons of each hidden layer a worker trains: disjoint parts of a permutation. */
import type { Random } from '@ockham/core/random';
import { shareOf } from '@ockham/core/comm';

/** For each worker, for each hidden layer, its neurons in rising order. */
export function partition(widths: readonly number[], workers: number, random: Random): Int32Array[][] {
  const orders = widths.map((width) => random.permutation(width));
  return Array.from({ length: workers }, (_, worker) =>
    orders.map((order) => {
      const [begin, end] = shareOf(order.length, worker, workers);
      return order.slice(begin, end).sort();
    }),
  );
}

/** The entries of a kernel `[inputs, outputs]` at some of its rows and columns, times `scale`. */
export function take(
  kernel: Float32Array,
  outputs: number,
  rows: ArrayLike<number>,
  columns: ArrayLike<number>,
  scale: number,
): Float32Array {
  const made = new Float32Array(rows.length * columns.length);
  for (let i = 0, p = 0; i < rows.length; i++) {
    for (let j = 0; j < columns.length; j++, p++) made[p] = scale * kernel[rows[i]! * outputs + columns[j]!]!;
  }
  return made;
}

/** The reverse of {@link take}, in place. */
export function put(
  part: Float32Array,
  kernel: Float32Array,
  outputs: number,
  rows: ArrayLike<number>,
  columns: ArrayLike<number>,
  scale: number,
): void {
  for (let i = 0, p = 0; i < rows.length; i++) {
    for (let j = 0; j < columns.length; j++, p++) kernel[rows[i]! * outputs + columns[j]!] = scale * part[p]!;
  }
}
