// @ts-expect-error jstat comes without types
import jstat from 'jstat';
import { ArgumentError } from '../errors.ts';

const { jStat } = jstat as {
  readonly jStat: {
    /** The regularised incomplete beta function I_x(a, b). */
    ibeta(this: void, x: number, a: number, b: number): number;
    readonly studentt: { inv(this: void, p: number, degreesOfFreedom: number): number };
  };
};

/** @throws ArgumentError for an empty list or a value that is not finite. */
export function mean(values: readonly number[]): number {
  check('mean', values);
  return values.reduce((total, value) => total + value, 0) / values.length;
}

/**
 * The sample standard deviation, with n − 1. NaN for a single value, whose spread is not known.
 *
 * @throws ArgumentError for an empty list or a value that is not finite.
 */
export function standardDeviation(values: readonly number[]): number {
  check('standardDeviation', values);
  const centre = mean(values);
  const squares = values.reduce((total, value) => total + (value - centre) ** 2, 0);
  return values.length === 1 ? Number.NaN : Math.sqrt(squares / (values.length - 1));
}

/** @throws ArgumentError for an empty list or a value that is not finite. */
export function median(values: readonly number[]): number {
  check('median', values);
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
  check('quantile', values);
  if (!(p >= 0 && p <= 1)) throw new ArgumentError(`quantile: p must be in [0, 1], got ${p}.`);
  const sorted = values.toSorted((a, b) => a - b);
  const position = p * (sorted.length - 1);
  const low = sorted[Math.floor(position)]!;
  const high = sorted[Math.ceil(position)]!;
  return low + (high - low) * (position - Math.floor(position));
}

/** Options of {@link pairedTTest}. */
export interface PairedTTestOptions {
  /** Coverage of the confidence interval, in (0, 1). Default 0.95. */
  readonly confidence?: number;
}

/** What {@link pairedTTest} finds about `a − b`. */
export interface PairedTTest {
  /** n, the number of pairs. */
  readonly pairs: number;
  /** The mean of `a − b`. */
  readonly meanDifference: number;
  /** Standard deviation of the differences, with n − 1. */
  readonly standardDeviation: number;
  /** The statistic: the mean over its standard error. */
  readonly t: number;
  /** n − 1. */
  readonly degreesOfFreedom: number;
  /** Two-sided: of a difference this large, either way, if there were none. */
  readonly p: number;
  /** One-sided, against `a` being larger: small when `a > b`. */
  readonly pGreater: number;
  /** One-sided, against `a` being smaller: small when `a < b`. */
  readonly pLess: number;
  /** Interval of the mean difference, two-sided. */
  readonly confidenceInterval: readonly [low: number, high: number];
}

/**
 * Student's t-test on paired samples, for example two methods on the same seeds: `a[i]` belongs to `b[i]`.
 *
 * Equal pairs throughout give t = 0 and p = 1; pairs that all differ by the same amount t = ±∞ and p = 0.
 *
 * @throws ArgumentError for fewer than two pairs, lengths that differ or a value that is not finite.
 *
 * @example
 * const { meanDifference, pGreater } = pairedTTest([98.9, 99.0, 98.8], [98.4, 98.7, 98.6]);
 */
export function pairedTTest(
  a: readonly number[],
  b: readonly number[],
  { confidence = 0.95 }: PairedTTestOptions = {},
): PairedTTest {
  if (a.length !== b.length || a.length < 2) {
    throw new ArgumentError(
      `pairedTTest: needs two or more pairs, got ${a.length} and ${b.length} values. Give both methods the same seeds.`,
    );
  }
  if (!(confidence > 0 && confidence < 1)) {
    throw new ArgumentError(`pairedTTest: confidence must be in (0, 1), got ${confidence}.`);
  }
  check('pairedTTest', a);
  check('pairedTTest', b);
  const differences = a.map((value, i) => value - b[i]!);
  const meanDifference = mean(differences);
  const spread = standardDeviation(differences);
  const standardError = spread / Math.sqrt(a.length);
  const degreesOfFreedom = a.length - 1;
  const t = meanDifference === 0 ? 0 : meanDifference / standardError;
  const margin =
    standardError === 0 ? 0 : standardError * jStat.studentt.inv((1 + confidence) / 2, degreesOfFreedom);
  // not jStat's own distribution function, which is off by 4e-8 at t = 0
  const p = jStat.ibeta(1 / (1 + (t * t) / degreesOfFreedom), degreesOfFreedom / 2, 0.5);
  const tail = p / 2;
  return {
    pairs: a.length,
    meanDifference,
    standardDeviation: spread,
    t,
    degreesOfFreedom,
    p,
    pGreater: t > 0 ? tail : 1 - tail,
    pLess: t < 0 ? tail : 1 - tail,
    confidenceInterval: [meanDifference - margin, meanDifference + margin],
  };
}

function check(who: string, values: readonly number[]): void {
  if (values.length === 0) throw new ArgumentError(`${who}: needs at least one value, got none.`);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new ArgumentError(`${who}: values must be finite, got ${values[bad]} at index ${bad}.`);
}
