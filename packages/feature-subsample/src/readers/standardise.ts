/** Columns of mean 0 and length √n, without those that do not vary. */
import { ArgumentError } from '@ockham/core';
import type { Table } from './csv.ts';

/**
 * Standardises features and centres the target; leaves out constant columns.
 *
 * @throws ArgumentError where no column varies.
 */
export function standardise({ A, b, columns }: Table): Table {
  const { rows: n, columns: d, values } = A;
  const mean = new Float64Array(d);
  const spread = new Float64Array(d);
  for (let i = 0, p = 0; i < n; i++) for (let j = 0; j < d; j++, p++) mean[j]! += values[p]! / n;
  for (let i = 0, p = 0; i < n; i++)
    for (let j = 0; j < d; j++, p++) spread[j]! += (values[p]! - mean[j]!) ** 2 / n;
  const kept = columns.map((_, j) => j).filter((j) => spread[j]! > 1e-24 * (1 + mean[j]! ** 2));
  if (kept.length === 0) throw new ArgumentError('standardise: no column varies. Check the table.');
  const made = new Float64Array(n * kept.length);
  for (let i = 0, p = 0; i < n; i++) {
    for (const j of kept) made[p++] = (values[i * d + j]! - mean[j]!) / Math.sqrt(spread[j]!);
  }
  const centre = b.reduce((sum, value) => sum + value / n, 0);
  return {
    A: { rows: n, columns: kept.length, values: made },
    b: b.map((value) => value - centre),
    columns: kept.map((j) => columns[j]!),
  };
}
