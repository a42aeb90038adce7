import { ArgumentError } from '@ockham/core';

/** Refuses what is not a number (or an integer) in [low, high]; `high` may be infinite, `value` may not. */
export function checkNumber(
  who: string,
  name: string,
  value: number,
  low: number,
  high: number,
  kind: 'number' | 'integer' = 'number',
): void {
  const fits = kind === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (fits && value >= low && value <= high) return;
  const range =
    high < Infinity ? `in [${low}, ${high}]` : low === Number.MIN_VALUE ? 'above 0' : `of at least ${low}`;
  throw new ArgumentError(
    `${who}: ${name} must be ${kind === 'integer' ? 'an integer' : 'a number'} ${range}, got ${value}. ` +
      `Leave it out for the default.`,
  );
}
