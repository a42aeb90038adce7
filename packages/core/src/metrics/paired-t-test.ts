// @ts-expect-error jstat comes without types
import jstat from 'jstat'; // 20 kB in a page: in this file alone, which only who asks for the test loads
import { ArgumentError } from '../errors.ts';
import { checkValues, mean, standardDeviation } from './statistics.ts';

const { jStat } = jstat as {
  readonly jStat: {
    /** The regularised incomplete beta function I_x(a, b). */
    ibeta(this: void, x: number, a: number, b: number): number;
    readonly studentt: { inv(this: void, p: number, degreesOfFreedom: number): number };
  };
};

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
  checkValues('pairedTTest', a);
  checkValues('pairedTTest', b);
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
