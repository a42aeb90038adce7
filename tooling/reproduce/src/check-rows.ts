import { ArgumentError, NonFiniteError } from '@ockham/core';
import type { Row } from './experiment.ts';

/**
 * Rows as they will be read back from JSON, checked: at least one, each of this seed, every number finite.
 *
 * @throws NonFiniteError naming the row and the column.
 * @throws ArgumentError for no rows or rows of another seed.
 */
export function checkRows(who: string, rows: readonly Row[], seed: number): Row[] {
  if (rows.length === 0)
    throw new ArgumentError(`${who}: run must return at least one row for seed ${seed}, got none.`);
  for (const [index, row] of rows.entries()) {
    if (row.seed !== seed) {
      throw new ArgumentError(
        `${who}: row ${index} must have seed ${seed}, got ${row.seed}. Copy the seed that run receives.`,
      );
    }
    checkFinite(`${who}: row ${index} of seed ${seed}`, row);
  }
  return JSON.parse(JSON.stringify(rows)) as Row[];
}

/** Refuses NaN and infinities anywhere in a value: JSON would turn them into null without a word. */
export function checkFinite(who: string, value: unknown): void {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new NonFiniteError(
      `${who} must be finite, got ${value}. Look for a division by zero, or write null.`,
    );
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [column, entry] of Object.entries(value)) {
    checkFinite(`${who}: ${column}`, entry);
  }
}
