import { ArgumentError } from '../errors.ts';

/** @throws ArgumentError for an empty list or a value that is not finite. */
export function mean(values: readonly number[]): number {
  checkValues('mean', values);
  return values.reduce((total, value) => total + value, 0) / values.length;
}

/**
 * The sample standard deviation, with n − 1. NaN for a single value, whose spread is not known.
 *
 * @throws ArgumentError for an empty list or a value that is not finite.
 */
export function standardDeviation(values: readonly number[]): number {
  checkValues('standardDeviation', values);
  const centre = mean(values);
  const squares = values.reduce((total, value) => total + (value - centre) ** 2, 0);
  return values.length === 1 ? Number.NaN : Math.sqrt(squares / (values.length - 1));
}

/** @throws ArgumentError for an empty list or a value that is not finite. */
export function median(values: readonly number[]): number {
  checkValues('median', values);
  return quantile(values, 0.5);
}

/**
 * The value below which a fraction `p` lies, linear between order statistics (NumPy's default, type 7 of
 * Hyndman and Fan 1996).
 *
 * @param p In [0, 1].
 * @throws ArgumentError for an empty list, a value that is not finite or `p` out of range.
 */
export function quantile(values: readonly number[], p: number): number {
  checkValues('quantile', values);
  if (!(p >= 0 && p <= 1)) throw new ArgumentError(`quantile: p must be in [0, 1], got ${p}.`);
  const sorted = values.toSorted((a, b) => a - b);
  const position = p * (sorted.length - 1);
  const low = sorted[Math.floor(position)]!;
  const high = sorted[Math.ceil(position)]!;
  return low + (high - low) * (position - Math.floor(position));
}

/** @throws ArgumentError for an empty list or a value that is not finite. */
export function checkValues(who: string, values: readonly number[]): void {
  if (values.length === 0) throw new ArgumentError(`${who}: needs at least one value, got none.`);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new ArgumentError(`${who}: values must be finite, got ${values[bad]} at index ${bad}.`);
}
