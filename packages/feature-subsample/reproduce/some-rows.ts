import type { Random } from '@ockham/core/random';
import type { Table } from '@ockham/feature-subsample';

/** Up to `count` rows in random order, without columns that are zero in all of them. */
export function someRows({ A, b, columns }: Table, count: number, random: Random): Table {
  const chosen = random.permutation(A.rows).slice(0, count);
  const kept = columns.map((_, j) => j).filter((j) => chosen.some((i) => A.values[i * A.columns + j] !== 0));
  const values = new Float64Array(chosen.length * kept.length);
  chosen.forEach((i, row) =>
    kept.forEach((j, column) => (values[row * kept.length + column] = A.values[i * A.columns + j]!)),
  );
  return {
    A: { rows: chosen.length, columns: kept.length, values },
    b: Float64Array.from(chosen, (i) => b[i]!),
    columns: kept.map((j) => columns[j]!),
  };
}
