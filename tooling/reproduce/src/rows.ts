import type { Row } from './experiment.ts';
import { mean, standardDeviation } from '@ockham/core/metrics';

/** Mean and sample standard deviation over seeds. */
export interface SeedStatistics {
  /** Number of distinct seeds. */
  readonly n: number;
  readonly mean: number;
  /** 0 with one seed. */
  readonly sd: number;
  /** One value per seed, in the order of the seeds; rows that share a seed are averaged first. */
  readonly bySeed: ReadonlyMap<number, number>;
}

/** The rows whose columns equal those of `match`: `where(rows, { method: 'simple', sparsity: 0.95 })`. */
export function where<R extends Row>(rows: readonly R[], match: Partial<R>): R[] {
  const columns = Object.entries(match) as [keyof R, unknown][];
  return rows.filter((row) => columns.every(([column, value]) => row[column] === value));
}

/** Rows by the value of `key`, in order of first appearance. */
export function groupBy<R extends Row, K>(rows: readonly R[], key: (row: R) => K): Map<K, R[]> {
  const groups = new Map<K, R[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group) group.push(row);
    else groups.set(key(row), [row]);
  }
  return groups;
}

/** Mean and spread of a column over seeds. Rows of one seed are averaged first, so that n counts seeds, not rows. */
export function overSeeds<R extends Row>(rows: readonly R[], value: (row: R) => number): SeedStatistics {
  const bySeed = new Map<number, number>();
  for (const [seed, group] of [...groupBy(rows, (row) => row.seed)].sort(([a], [b]) => a - b)) {
    bySeed.set(seed, mean(group.map(value)));
  }
  const values = [...bySeed.values()];
  const n = values.length;
  return { n, mean: n > 0 ? mean(values) : NaN, sd: n > 1 ? standardDeviation(values) : 0, bySeed };
}
