import { ArgumentError, type Split } from '@ockham/core';
import type { Random } from '@ockham/core/random';

/** Rows of each class, in the order of the split. */
export function rowsOfClasses(split: Split): Map<number, number[]> {
  const rows = new Map<number, number[]>();
  for (let row = 0; row < split.size; row++) {
    const label = split.y.values[row]!;
    const own = rows.get(label);
    if (own) own.push(row);
    else rows.set(label, [row]);
  }
  return rows;
}

/**
 * The classes in the order that was asked for, else shuffled.
 *
 * @throws ArgumentError for a class that the split does not have, or one given twice.
 */
export function orderClasses(
  who: string,
  present: Iterable<number>,
  order: readonly number[] | undefined,
  random: Random,
): number[] {
  const sorted = [...present].sort((a, b) => a - b);
  if (order === undefined) {
    return Array.from(random.stream('classes').permutation(sorted.length), (i) => sorted[i]!);
  }
  const known = new Set(sorted);
  const bad = order.find((label, i) => !known.has(label) || order.indexOf(label) !== i);
  if (order.length === 0 || bad !== undefined) {
    throw new ArgumentError(
      `${who}: order must name classes of the split, each once (${sorted.join(', ')}), got ${order.join(', ')}.`,
    );
  }
  return [...order];
}

/** A copy in random order. */
export function shuffled<T>(values: readonly T[], random: Random): T[] {
  return Array.from(random.permutation(values.length), (i) => values[i]!);
}
