/** The rank that a tolerance leaves: step 5 of the talk, in the form of the NeurIPS paper. */

/** How many singular values are kept. */
export interface RankRule {
  /** ϑ, in [0, 1). */
  readonly tolerance: number;
  /**
   * `frobenius`: smallest r with ‖(σ_{r+1}, …)‖₂ ≤ ϑ ‖σ‖₂, the NeurIPS paper's. `nuclear`: smallest r with
   * Σ_{j>r} σ_j ≤ ϑ Σ_j σ_j, the talk's sum.
   */
  readonly norm: 'frobenius' | 'nuclear';
  readonly minRank: number;
  readonly maxRank: number;
}

/** The rank to keep, and the norm of what goes. */
export interface Truncation {
  readonly rank: number;
  /** τ = ‖(σ_{r+1}, …)‖₂. */
  readonly discarded: number;
  /** Whether `maxRank` cut off more than the tolerance allows. */
  readonly bounded: boolean;
}

/** @param sigma Singular values, falling. */
export function truncate(sigma: Float64Array, rule: RankRule): Truncation {
  const { tolerance, norm, minRank, maxRank } = rule;
  const largest = sigma[0]! > 0 ? sigma[0]! : 1; // squares of the smallest numbers are 0
  const size = (value: number) => (norm === 'frobenius' ? (value / largest) ** 2 : value);
  const whole = sigma.reduce((sum, value) => sum + size(value), 0);
  const allowed = (norm === 'frobenius' ? tolerance ** 2 : tolerance) * whole;
  let rank = sigma.length;
  let tail = 0;
  while (rank > minRank && tail + size(sigma[rank - 1]!) <= allowed) tail += size(sigma[--rank]!);
  const bounded = rank > maxRank;
  rank = Math.min(rank, maxRank);
  const discarded = Math.hypot(...sigma.subarray(rank));
  return { rank, discarded, bounded };
}

/** The largest rank r whose factors are smaller than the matrix: r (m + n) < m n. 0 where there is none. */
export function largestUsefulRank(m: number, n: number): number {
  return Math.ceil((m * n) / (m + n)) - 1;
}
