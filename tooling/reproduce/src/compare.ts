import { pairedTTest } from '@ockham/core/metrics';
import type { Finding } from './claim.ts';
import type { Row } from './experiment.ts';
import type { FigureFormat } from './format-figures.ts';
import { formatP, number, plusMinus, signed, suffix } from './format-figures.ts';
import type { SeedStatistics } from './rows.ts';
import { groupBy, overSeeds } from './rows.ts';

export interface CompareOptions<R extends Row> extends FigureFormat {
  /** Names of the first and the second rows. Default `['first', 'second']`. */
  readonly names?: readonly [string, string];
  /** Whether a larger or a smaller value is the better one. Default `higher`. */
  readonly better?: 'higher' | 'lower';
  /** By how much the first must be better, in the rows' unit. Default 0. */
  readonly margin?: number;
  /** Compares within each of these conditions, and all must hold: `(row) => row.epochs`. Default one condition. */
  readonly at?: (row: R) => string | number;
  /** Level of the one-sided paired t-test. Default 0.05. */
  readonly alpha?: number;
}

/** The comparison at one condition. */
interface Comparison {
  readonly condition: string | number | undefined;
  readonly first: SeedStatistics;
  readonly second: SeedStatistics;
  /** Seeds that both have. */
  readonly n: number;
  /** Mean of first − second over those seeds. */
  readonly difference: number;
  /** Of "the first is not better"; undefined with fewer than two seeds. */
  readonly p: number | undefined;
  /** No seed differs at all, by more or less than the margin. */
  readonly equal: boolean;
}

/**
 * Is the first better than the second? A paired t-test over the seeds that both have: the claim holds when the
 * first is better at level `alpha`, fails when it is worse at that level or the same in every seed, and is undecided
 * with fewer than two seeds or a difference within the spread. With `at`, it holds when every condition does and fails when one does
 * (at `alpha` divided by their number).
 */
export function compareOverSeeds<R extends Row>(
  first: readonly R[],
  second: readonly R[],
  value: (row: R) => number,
  options: CompareOptions<R> = {},
): Finding {
  const { names = ['first', 'second'], better = 'higher', margin = 0, at, alpha = 0.05 } = options;
  const sign = better === 'higher' ? 1 : -1;
  const seconds = groupBy(second, (row) => at?.(row));
  const comparisons = [...groupBy(first, (row) => at?.(row))].map(([condition, rows]) =>
    compare(condition, overSeeds(rows, value), overSeeds(seconds.get(condition) ?? [], value), sign, margin),
  );
  const finding = { ours: describe(comparisons, names, options), values: valuesOf(comparisons, names) };
  if (comparisons.length === 0) return { ...finding, holds: null, why: `there are no rows of ${names[0]}` };

  const unpaired = comparisons.filter(({ p }) => p === undefined);
  if (unpaired.length > 0) {
    const list = unpaired.map(
      ({ condition, n }) => `${label(condition)}${n} seed${n === 1 ? '' : 's'} in common`,
    );
    return { ...finding, holds: null, why: `a paired test needs two seeds: ${list.join(', ')}` };
  }
  const equal = comparisons.filter((comparison) => comparison.equal);
  if (equal.length > 0) {
    const where = equal.map(({ condition }) => label(condition).replace(/: $/, '')).filter(Boolean);
    const at = where.length > 0 ? ` at ${where.join(', ')}` : '';
    return { ...finding, holds: false, why: `${names[0]} and ${names[1]} are the same in every seed${at}` };
  }
  const won = comparisons.filter(({ p }) => p! < alpha).length;
  const lost = comparisons.filter(({ p }) => 1 - p! < alpha / comparisons.length).length;
  const by = margin === 0 ? '' : ` by ${number(margin, options)}${suffix(options.unit)}`;
  const of = (count: number): string => (at ? ` at ${count} of ${comparisons.length} conditions` : '');
  const test = `(paired t-test, level ${alpha})`;
  if (lost > 0) return { ...finding, holds: false, why: `${names[0]} is not better${by}${of(lost)} ${test}` };
  if (won === comparisons.length)
    return { ...finding, holds: true, why: `${names[0]} is better${by}${of(won)} ${test}` };
  const but = at ? `, ${names[0]} is better${by}${of(won)}` : '';
  return { ...finding, holds: null, why: `the difference is within the spread over seeds${but} ${test}` };
}

function compare(
  condition: string | number | undefined,
  first: SeedStatistics,
  second: SeedStatistics,
  sign: 1 | -1,
  margin: number,
): Comparison {
  const seeds = [...first.bySeed.keys()].filter((seed) => second.bySeed.has(seed));
  const differences = seeds.map((seed) => first.bySeed.get(seed)! - second.bySeed.get(seed)!);
  const n = seeds.length;
  const difference = n > 0 ? differences.reduce((sum, d) => sum + d, 0) / n : NaN;
  const excess = differences.map((d) => sign * d - margin);
  const p = n >= 2 ? pairedTTest(excess, new Array<number>(n).fill(0)).pGreater : undefined;
  const equal = n >= 2 && excess.every((d) => d === 0);
  return { condition, first, second, n, difference, p, equal };
}

function valuesOf(
  comparisons: readonly Comparison[],
  names: readonly [string, string],
): Record<string, number> {
  const entries = comparisons.flatMap(
    ({ condition, first, second, n, difference, p }): [string, number][] => {
      const at = condition === undefined ? '' : ` at ${condition}`;
      if (n === 0) return [];
      const means: [string, number][] = [
        [`${names[0]}${at}`, first.mean],
        [`${names[1]}${at}`, second.mean],
        [`difference${at}`, difference],
      ];
      return p === undefined ? means : [...means, [`p${at}`, p]];
    },
  );
  return Object.fromEntries(entries);
}

/** Each condition where there are few; of many a reader wants the range, and `values` has each. */
function describe(
  comparisons: readonly Comparison[],
  names: readonly [string, string],
  format: FigureFormat,
): string {
  const paired = comparisons.filter(({ n }) => n > 0);
  if (paired.length === 0) return 'no rows';
  if (paired.length <= 3) {
    const parts = paired.map(({ condition, first, second, n, difference, p }) => {
      const test = p === undefined ? '' : `, ${formatP(p)}`;
      const both = `${names[0]} ${plusMinus(first, format)}, ${names[1]} ${plusMinus(second, format)}`;
      return `${label(condition)}${both} (difference ${signed(difference, format)}${test}, n = ${n})`;
    });
    return parts.join('; ');
  }
  const sorted = paired.toSorted((a, b) => a.difference - b.difference);
  const end = ({ condition, difference }: Comparison): string =>
    `${signed(difference, format)}${suffix(format.unit)} (at ${condition})`;
  const ps = paired.flatMap(({ p }) => p ?? []);
  const test = ps.length > 0 ? `, each ${formatP(Math.max(...ps)).replace('=', '≤')}` : '';
  const n = Math.min(...paired.map((comparison) => comparison.n));
  return `${names[0]} − ${names[1]} from ${end(sorted[0]!)} to ${end(sorted.at(-1)!)} over ${paired.length} conditions${test} (n = ${n})`;
}

function label(condition: string | number | undefined): string {
  return condition === undefined ? '' : `${condition}: `;
}
