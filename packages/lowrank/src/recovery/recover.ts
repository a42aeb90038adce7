/** `recover`: any method, with its history and a certificate. */
import { ArgumentError, NonFiniteError, NothingChangedError, throwIfAborted } from '@ockham/core';
import { self } from '@ockham/core/comm';
import { multiply, type Matrix } from '@ockham/core/linalg/matrices';
import { toRandom } from '@ockham/core/random';
import { certifier, type RecoveryCertificate } from './certificate.ts';
import { leastSquares, minus, squares, type LeastSquares } from './least-squares.ts';
import type { Factors } from './methods/method.ts';
import { methods } from './methods/registry.ts';
import { checkOptions, type RecoverOptions } from './options.ts';
import type { RecoveryData, RecoveryProblem } from './problem.ts';
import { rankOf, type RankEstimate } from './rank.ts';

/** One line of the history. */
export interface RecoveryRecord extends RecoveryCertificate {
  /** From 1. */
  readonly round: number;
  /** ‖W − W*‖/‖W*‖ where the problem brings W*, else null. */
  readonly error: number | null;
}

/** What {@link recover} resolves to. */
export interface Recovery {
  /** `[d, m]`. */
  readonly W: Matrix;
  /** W = A Bᵀ with A `[d, r]`, B `[m, r]`, those of a deflation in its order; null for `gradient-descent`. */
  readonly factors: Factors | null;
  /** min(d, m) for `gradient-descent`. */
  readonly rank: number;
  /** How `auto` came by the rank, else null. */
  readonly rankEstimate: RankEstimate | null;
  /** One line for each `recordEvery` rounds. */
  readonly history: readonly RecoveryRecord[];
  /** All rounds, those of every component in a sequence. */
  readonly rounds: number;
  /** Of W. */
  readonly certificate: RecoveryCertificate;
  /** `rounds` where the rounds ran out. */
  readonly status: 'converged' | 'rounds';
  /** In words. */
  readonly warnings: readonly string[];
}

/**
 * Finds W of low rank with Y ≈ X W: min ½‖Y − XW‖² (equation 1).
 *
 * @param data X `[n, d]`, Y `[n, m]`; a {@link RecoveryProblem} brings W*, and errors against it are recorded.
 * @throws ArgumentError for shapes or options that do not fit; NonFiniteError for NaN or infinity in X or Y;
 *   NothingChangedError where `auto` finds nothing above the noise; AbortedError.
 *
 * @example
 * const { W, rank } = await recover({ X, Y }, { method: 'sequential' });
 */
export async function recover(
  data: RecoveryData | RecoveryProblem,
  options: RecoverOptions = {},
): Promise<Recovery> {
  const {
    method = 'scaled',
    tolerance = 1e-10,
    rounds = 20_000,
    recordEvery = 10,
    signal,
    progress,
  } = options;
  checkOptions(options);
  throwIfAborted(signal, 'recover');
  const problem = leastSquares('recover', data);
  const free = method === 'gradient-descent';
  const most = Math.min(problem.d, problem.m);
  const { rank, estimate } = free
    ? { rank: most, estimate: null }
    : chooseRank(problem, options.rank ?? 'auto');
  const warnings: string[] = [];
  if (free && typeof options.rank === 'number')
    warnings.push('recover: gradient-descent has no rank: W is not of low rank. Take projected-gradient.');
  const solver = methods[method]({
    data,
    problem,
    rank,
    tolerance,
    start: options.start ?? 'spectral',
    random: toRandom(options.seed ?? 0).stream('recover'),
    comm: options.transport === undefined || options.transport === 'self' ? self() : options.transport,
    decay: options.decay ?? 0.97,
    warn: (text) => warnings.push(`recover: ${text}`),
  });

  const certify = certifier(problem, Math.min(rank, problem.tau.length));
  const error = errorAgainst('truth' in data ? data.truth : undefined);
  const history: RecoveryRecord[] = [];
  let converged = false;
  let round = 0;
  while (!converged && round < rounds) {
    await solver.round();
    round++;
    const over = solver.done?.() === true;
    if (!over && round % recordEvery !== 0 && round < rounds) continue;
    const W = productOf(solver.estimate());
    const record = { round, ...certify(W), error: error(W) };
    if (!Number.isFinite(record.residual)) {
      throw new NonFiniteError(
        `recover: ${method} must stay finite, but its residual became ${record.residual} in round ${round}. Take start spectral, or another method.`,
      );
    }
    history.push(record);
    progress?.({ stage: method, done: round, total: rounds, metrics: { residual: record.residual } });
    converged = solver.done ? over : record.distance <= tolerance;
    if (converged) break;
    await new Promise((resolve) => setTimeout(resolve)); // lets signals and timers in
    throwIfAborted(signal, `recover (round ${round})`);
  }
  if (!converged) warnings.push(`recover: ${method} did not converge in ${rounds} rounds. Give it more.`);
  const found = solver.estimate();
  const W = productOf(found);
  return {
    W,
    factors: 'A' in found ? found : null,
    rank,
    rankEstimate: estimate,
    history,
    rounds: round,
    certificate: certify(W),
    status: converged ? 'converged' : 'rounds',
    warnings,
  };
}

function chooseRank(
  problem: LeastSquares,
  rank: number | 'auto',
): { readonly rank: number; readonly estimate: RankEstimate | null } {
  const most = Math.min(problem.d, problem.m);
  if (rank === 'auto') {
    const estimate = rankOf(problem);
    if (estimate.rank === 0) {
      throw new NothingChangedError(
        `recover: with rank auto, some component of Y must stand out of the noise (singular value above ${estimate.threshold.toPrecision(3)}), but the largest is ${problem.tau[0]!.toPrecision(3)}. Give more samples, or a rank.`,
      );
    }
    return { rank: estimate.rank, estimate };
  }
  if (!(Number.isInteger(rank) && rank >= 1 && rank <= most)) {
    throw new ArgumentError(
      `recover: rank must be auto or a whole number in [1, min(d, m)] = [1, ${most}], got ${rank}.`,
    );
  }
  return { rank, estimate: null };
}

function productOf(estimate: Factors | Matrix): Matrix {
  return 'A' in estimate ? multiply(estimate.A, estimate.B, { transposeB: true }) : estimate;
}

function errorAgainst(truth: Matrix | undefined): (W: Matrix) => number | null {
  if (!truth) return () => null;
  const size = Math.sqrt(squares(truth));
  return (W) => Math.sqrt(squares(minus(W, truth))) / size;
}
