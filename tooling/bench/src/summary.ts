import { quantile } from '@ockham/core/metrics';

/** Milliseconds: the middle half of the rounds, and the best one. */
export interface Timing {
  readonly median: number;
  readonly lowerQuartile: number;
  readonly upperQuartile: number;
  readonly best: number;
  readonly rounds: number;
}

/** How many times faster than the baseline: the median over rounds of `baseline / variant`, with its quartiles. */
export interface Ratio {
  readonly median: number;
  readonly lowerQuartile: number;
  readonly upperQuartile: number;
}

function quartiles(values: readonly number[]): [number, number, number] {
  return [quantile(values, 0.25), quantile(values, 0.5), quantile(values, 0.75)];
}

export function timing(times: readonly number[]): Timing {
  const [lowerQuartile, middle, upperQuartile] = quartiles(times);
  return { median: middle, lowerQuartile, upperQuartile, best: Math.min(...times), rounds: times.length };
}

/** Compares round by round, so that what slowed both in one round cancels. */
export function ratio(baseline: readonly number[], variant: readonly number[]): Ratio {
  if (baseline.length !== variant.length) {
    throw new Error(`ratio: needs the same rounds of both, got ${baseline.length} and ${variant.length}.`);
  }
  const [lowerQuartile, middle, upperQuartile] = quartiles(
    baseline.map((time, round) => time / variant[round]!),
  );
  return { median: middle, lowerQuartile, upperQuartile };
}
