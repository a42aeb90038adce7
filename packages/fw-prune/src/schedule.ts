/**
 * How sparsity grows from the first pruning to the last.
 *
 * - `one-shot`: the final sparsity at once, Alg. 2 and 3.
 * - `linear`: equal steps Δs, Alg. 4.
 * - `cubic`: fast at first, slow near the end: s_final + (s_init − s_final)(1 − t)³ (Zhu and Gupta 2017).
 */
export type Schedule = 'one-shot' | 'linear' | 'cubic';

/**
 * In which iterations the model is pruned.
 *
 * - `every`: in each of the N, Alg. 4.
 * - `halves`: at ⌊N/2⌋ and N, Alg. 3 for every N ≥ 2.
 * - `printed-halves`: where i mod (N/2) = 0 as printed; for odd N that is N alone.
 */
export type PruneAt = 'every' | 'halves' | 'printed-halves';

/** What decides when a run prunes, and how far. */
export interface ScheduleSettings {
  readonly schedule: Schedule;
  readonly pruneAt: PruneAt;
  /** N. */
  readonly iterations: number;
  /** s_init. */
  readonly initialSparsity: number;
  /** s_final. */
  readonly sparsity: number;
  /** The divisor of Δs: `N-1` reaches s_final at the last pruning, `N` as printed stops at s_final − Δs. */
  readonly sparsityStep: 'N-1' | 'N';
  /** Fraction of the prunings over which sparsity grows, in (0, 1]; the rest prune at s_final. */
  readonly ramp: number;
}

/** The sparsity that iteration `i` = 1 … N prunes to, or `undefined` where it does not prune. */
export function sparsityAt(i: number, settings: ScheduleSettings): number | undefined {
  const prunings = pruningIterations(settings);
  const position = prunings.indexOf(i); // 0 … prunings.length − 1
  if (position < 0) return undefined;
  const { schedule, initialSparsity, sparsity, sparsityStep, ramp } = settings;
  const growing = Math.max(1, Math.round(ramp * prunings.length));
  const steps = sparsityStep === 'N' ? growing : growing - 1;
  const t = position >= steps ? 1 : position / steps;
  if (schedule === 'one-shot' || t === 1) return sparsity;
  return schedule === 'linear'
    ? initialSparsity + t * (sparsity - initialSparsity)
    : sparsity + (initialSparsity - sparsity) * (1 - t) ** 3;
}

/** The iterations that prune, ascending. */
export function pruningIterations({
  iterations: N,
  pruneAt,
}: Pick<ScheduleSettings, 'iterations' | 'pruneAt'>): number[] {
  if (pruneAt === 'halves') return [...new Set([Math.floor(N / 2), N])].filter((i) => i >= 1);
  const all = Array.from({ length: N }, (_, i) => i + 1);
  return pruneAt === 'every' ? all : all.filter((i) => i % (N / 2) === 0);
}
