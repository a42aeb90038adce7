import type { Row, ScaleName } from './experiment.ts';

/** Always computed from rows, never typed. */
export type Verdict = 'reproduced' | 'not reproduced' | 'inconclusive' | 'skipped';

/** What measuring the rows says about a claim. */
export interface Finding {
  /** `null`: the rows do not decide it. */
  readonly holds: boolean | null;
  /** Our figures as a reader sees them: `98.12 ± 0.08 % (n = 5)`. */
  readonly ours: string;
  /** The figures behind `ours`, by name. A number that is not finite makes the claim inconclusive. */
  readonly values: Readonly<Record<string, number>>;
  /** Why it holds, fails or is undecided, in a clause. */
  readonly why?: string;
}

/** One sentence of a paper (or a bar that we set) and how rows decide it. Made by {@link claim}. */
export interface Claim<R extends Row = Row> {
  readonly text: string;
  /** What the paper says or prints. */
  readonly paper: string;
  /** Distinct seeds below which the verdict is `inconclusive`. */
  readonly minSeeds: number;
  /** Smallest scale at which the claim is decided; below it the figures are shown and the verdict is `inconclusive`. */
  readonly decidedFrom: ScaleName;
  measure(rows: readonly R[]): Finding;
}

export interface ClaimOptions<R extends Row> {
  readonly paper: string;
  /** Rows of all seeds in; figures and whether they bear the claim out. See `compareOverSeeds`, `meanAtLeast`. */
  measure(this: void, rows: readonly R[]): Finding;
  /** Default 2. Use 1 only where no chance is involved. */
  readonly minSeeds?: number;
  /** Default `standard`. `smoke` for what any size can decide, `paper` for a figure about the full data. */
  readonly decidedFrom?: ScaleName;
}

/**
 * States a claim about rows of type `R`. The verdict is not an argument: `evaluateClaims` computes it from rows, whenever they are read.
 *
 * @example
 * claim<PruningRow>('momentum keeps 98 %', {
 *   paper: 'about 98 %',
 *   measure: (rows) => meanAtLeast(where(rows, { method: 'momentum' }), (r) => r.accuracy, 0.98, { scale: 100, unit: '%' }),
 * });
 */
export function claim<R extends Row>(text: string, options: ClaimOptions<R>): Claim<R> {
  const { paper, measure, minSeeds = 2, decidedFrom = 'standard' } = options;
  return { text, paper, minSeeds, decidedFrom, measure };
}
