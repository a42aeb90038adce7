/** `solve`: any method on any transport, with its history, bytes and certificate. */
import { ArgumentError, throwIfAborted } from '@ockham/core';
import { self } from '@ockham/core/comm';
import { byteLedger, type ByteLedger, type RoundBytes } from './byte-ledger.ts';
import { certify, squares, type Certificate } from './certificate.ts';
import { checkRank } from './collinear.ts';
import { foresee, type GuardReport } from './guard.ts';
import { methods } from './methods/registry.ts';
import { contextOf, type SolveOptions } from './options.ts';
import { runRounds } from './rounds.ts';
import { complexRoots } from './step-schemes.ts';
import { linearSystem, type Samples } from './system.ts';

/** One line of the history. */
export interface RoundRecord extends Certificate {
  /** 0 before the first round. */
  readonly round: number;
  /** ‖A(x − x*)‖/‖b‖ where `optimum` is given, else null. */
  readonly distance: number | null;
  /** All bytes so far. */
  readonly bytes: number;
}

/** What {@link solve} resolves to, at every rank. */
export interface Solution {
  /** `[d]`. */
  readonly x: Float64Array;
  /** From before the first round; at ranks other than 0 empty. */
  readonly history: readonly RoundRecord[];
  /** Counted at the coordinator; at ranks other than 0 empty. */
  readonly bytes: ByteLedger;
  /** Of x. */
  readonly certificate: Certificate;
  /** `converged` where the tolerance was met, `diverged` where the residual left 1e100 or became NaN. */
  readonly status: 'converged' | 'rounds' | 'diverged';
  /** What the guard foresaw; null where it was off. */
  readonly guard: GuardReport | null;
  /** η before halving. */
  readonly learningRate: number;
  /** Roots of Section 4.2 that are not real, where that scheme is used. */
  readonly complexRoots: number;
  /** In words. */
  readonly warnings: readonly string[];
}

/**
 * Solves min ½‖Ax − b‖² by workers that see a part of the features, or of the rows.
 *
 * With a communicator of more than one rank, every rank calls it with the same arguments; x has the same bits whatever
 * the number of ranks.
 *
 * @param A `[n, d]`
 * @param b `[n]`
 * @throws ArgumentError for arguments out of range, for columns that are combinations of others unless `collinear` says
 *   otherwise, and with `guard: 'error'` for a step that is foreseen to diverge; NonFiniteError for NaN or infinity in A
 *   or b; AbortedError.
 *
 * @example
 * const { x, certificate } = await solve([[2, 0], [1, 1], [0, 2]], [2, 2, 2], { method: 'gd', workers: 2 });
 */
export async function solve(A: Samples, b: ArrayLike<number>, options: SolveOptions = {}): Promise<Solution> {
  const {
    method = 'control-variate',
    rounds = 200,
    seed = 0,
    precision = 'float64',
    tolerance = 0,
    recordEvery = 1,
    transport = 'self',
    guard = 'warn',
    collinear = 'error',
    progress,
    signal,
  } = options;
  throwIfAborted(signal, 'solve');
  if (!Number.isSafeInteger(seed))
    throw new ArgumentError(`solve: seed must be a safe integer, got ${seed}.`);
  const system = linearSystem(A, b);
  const context = contextOf(system, options);
  const warnings: string[] = [];
  const dependent = collinear === 'off' ? undefined : checkRank(system, context.spectrum(), collinear);
  if (dependent !== undefined) warnings.push(dependent);
  const foreseen = guard === 'off' ? null : await foresee(system, options);
  if (foreseen && !foreseen.safe && rounds > 0) {
    const text =
      `solve: ${method} with learningRate ${context.learningRate.toPrecision(3)}, localSteps ${context.localSteps} and alpha ` +
      `${context.alpha} is foreseen not to converge in ${rounds} rounds (error × e^${foreseen.logGrowth.toFixed(1)}). ` +
      'Lower learningRate or localSteps, or ask guard(…, { search: true }) for the largest that are safe.';
    if (guard === 'error') throw new ArgumentError(text);
    warnings.push(text);
  }
  const complex = context.steps === 'polynomial' ? complexRoots(context.localSteps, context.alpha) : 0;
  if (complex > 0) {
    warnings.push(
      `solve: ${complex} of the ${context.localSteps} roots of Section 4.2 are not real` +
        (context.form === 'printed'
          ? '; their real parts are taken as steps.'
          : '; their steps are taken together, in real arithmetic.'),
    );
  }
  const comm = transport === 'self' ? self() : transport;
  const smallest = foreseen ? context.spectrum().smallest : null;
  const history: RoundRecord[] = [];
  const ledger: (readonly RoundBytes[])[] = [];
  const distance = distanceTo(options.optimum, system);
  let status: Solution['status'] = 'rounds';
  let bytes = 0;
  const found = await runRounds(methods[method], context, {
    comm,
    rounds,
    seed,
    precision,
    after(k, { x }, moved) {
      if (k >= 0) ledger.push(moved);
      for (const { mask, down, up } of moved) bytes += mask + down + up;
      if ((k + 1) % recordEvery !== 0 && k + 1 !== rounds && !signal?.aborted) return false;
      const record = { round: k + 1, ...certify(system, x, smallest), distance: distance(x), bytes };
      history.push(record);
      progress?.({ stage: method, done: k + 1, total: rounds, metrics: { residual: record.residual } });
      if (!(record.residual < 1e100)) status = 'diverged';
      else if ((record.distance ?? record.residual) <= tolerance) status = 'converged';
      return status !== 'rounds' || signal?.aborted === true;
    },
  });
  throwIfAborted(signal, 'solve');
  const x = found ? Float64Array.from(found) : new Float64Array(system.d);
  const ending = Float64Array.of(['rounds', 'converged', 'diverged'].indexOf(status));
  if (comm.size > 1) {
    await comm.broadcast(x);
    await comm.broadcast(ending);
  }
  return {
    x,
    history,
    bytes: byteLedger(ledger),
    certificate: certify(system, x, smallest),
    status: (['rounds', 'converged', 'diverged'] as const)[ending[0]!]!,
    guard: foreseen,
    learningRate: context.learningRate,
    complexRoots: complex,
    warnings,
  };
}

function distanceTo(
  optimum: ArrayLike<number> | undefined,
  system: ReturnType<typeof linearSystem>,
): (x: Float64Array) => number | null {
  if (!optimum) return () => null;
  const best = system.times(Float64Array.from(optimum));
  const size = Math.sqrt(squares(system.b)) || 1;
  return (x) => Math.sqrt(squares(system.times(x).map((value, i) => value - best[i]!))) / size;
}
