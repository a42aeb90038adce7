import type { Finding } from './claim.ts';
import type { Row } from './experiment.ts';
import type { FigureFormat } from './format-figures.ts';
import { formatStatistics, number, plusMinus, suffix } from './format-figures.ts';
import { overSeeds } from './rows.ts';
import type { SeedStatistics } from './rows.ts';

/** Is the mean over seeds at least `bound`? Decided by the mean; `why` says when the spread reaches across the bound. */
export function meanAtLeast<R extends Row>(
  rows: readonly R[],
  value: (row: R) => number,
  bound: number,
  options: FigureFormat = {},
): Finding {
  return decideMean(overSeeds(rows, value), bound, 1, options);
}

/** Is the mean over seeds at most `bound`? As {@link meanAtLeast}. */
export function meanAtMost<R extends Row>(
  rows: readonly R[],
  value: (row: R) => number,
  bound: number,
  options: FigureFormat = {},
): Finding {
  return decideMean(overSeeds(rows, value), bound, -1, options);
}

/**
 * Is the mean over seeds of `value(first) − value(second)`, paired by seed, at least `bound`? For "within 0.1 points
 * of the dense network": `differenceAtLeast(pruned, dense, accuracy, -0.001)`. Decided by the mean; for a test of
 * which of two is better, `compareOverSeeds`.
 */
export function differenceAtLeast<R extends Row>(
  first: readonly R[],
  second: readonly R[],
  value: (row: R) => number,
  bound: number,
  options: FigureFormat & { readonly names?: readonly [string, string] } = {},
): Finding {
  const { names = ['first', 'second'] } = options;
  const a = overSeeds(first, value);
  const b = overSeeds(second, value);
  if (a.n === 0 || b.n === 0) {
    return {
      holds: null,
      ours: 'no rows',
      values: {},
      why: `there are no rows of ${a.n === 0 ? names[0] : names[1]}`,
    };
  }
  const paired = [...a.bySeed]
    .filter(([seed]) => b.bySeed.has(seed))
    .map(([seed, v]) => ({ seed, d: v - b.bySeed.get(seed)! }));
  const finding = decideMean(
    overSeeds(paired, (row) => row.d),
    bound,
    1,
    options,
  );
  return {
    ...finding,
    ours: `${names[0]} ${plusMinus(a, options)}, ${names[1]} ${plusMinus(b, options)}; difference ${finding.ours}`,
    values: { ...finding.values, [names[0]]: a.mean, [names[1]]: b.mean },
  };
}

/** Does every row obey? For what leaves nothing to chance: bounds of a theorem, counts, bit-for-bit equality. */
export function inEveryRow<R extends Row>(rows: readonly R[], obeys: (row: R) => boolean): Finding {
  const bad = rows.filter((row) => !obeys(row));
  const finding = {
    ours: `${rows.length - bad.length} of ${rows.length} rows`,
    values: { rows: rows.length, obeying: rows.length - bad.length },
  };
  if (rows.length === 0) return { ...finding, holds: null, why: 'there are no rows' };
  if (bad.length === 0) return { ...finding, holds: true };
  return { ...finding, holds: false, why: `first exception: ${JSON.stringify(bad[0])}` };
}

function decideMean(statistics: SeedStatistics, bound: number, sign: 1 | -1, options: FigureFormat): Finding {
  const { n, mean, sd } = statistics;
  if (n === 0) return { holds: null, ours: 'no rows', values: { n }, why: 'there are no rows' };
  const rounding = 1e-12 * Math.max(1, Math.abs(bound)); // 0.988 − 0.99 is not quite −0.002
  const holds = sign * (mean - bound) >= -rounding;
  const shown = `${number(bound, options)}${suffix(options.unit)}`;
  const relation = sign > 0 ? (holds ? 'at least' : 'below') : holds ? 'at most' : 'above';
  const across = n > 1 && Math.abs(mean - bound) < sd ? '; the spread over seeds reaches across it' : '';
  return {
    holds,
    ours: formatStatistics(statistics, options),
    values: { mean, sd, n, bound },
    why: `the mean is ${relation} ${shown}${across}`,
  };
}
