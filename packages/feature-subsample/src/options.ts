import { ArgumentError, type Progress } from '@ockham/core';
import type { Communicator } from '@ockham/core/comm';
import { maskFamily, type MaskKind } from './masks/mask.ts';
import type { Context } from './methods/method.ts';
import { methods, type MethodName } from './methods/registry.ts';
import { spectrum, type LinearSystem, type Spectrum } from './system.ts';
import type { StepScheme } from './step-schemes.ts';

/** Options of {@link solve}. */
export interface SolveOptions {
  /** Default `control-variate`. */
  readonly method?: MethodName;
  /** L: workers that the problem is shared out to, from 1, whatever the number of ranks. Default 10. */
  readonly workers?: number;
  /** Who carries messages: a communicator of `@ockham/core/comm`; every rank calls `solve` alike. Default `self`. */
  readonly transport?: 'self' | Communicator;
  /** α: the share of the features that a worker sees, in (0, 1]. Default 0.5. */
  readonly alpha?: number;
  /** T: steps of a worker in one round, from 1. Default 1. */
  readonly localSteps?: number;
  /** Of the masks. Default 0. */
  readonly seed?: number;
  /** K. Default 200. */
  readonly rounds?: number;
  /** How masks are drawn. Default `bernoulli`, but `blocks` for `control-variate`, where they are quieter. */
  readonly masks?: MaskKind;
  /** Multiplies the masks of `masked` by 1/α. Default false. */
  readonly scaled?: boolean;
  /** η. Default: the method's own, from σ. */
  readonly learningRate?: number;
  /** Halve η every so many rounds. Default 0: never. */
  readonly halveEvery?: number;
  /** Local steps of `masked`, Section 4. Default `constant`. */
  readonly steps?: StepScheme;
  /** `printed`: formulas and steps to the paper's letter. Default `intended`. */
  readonly form?: 'intended' | 'printed';
  /** β of `consensus`. Default 1. */
  readonly drift?: number;
  /** Weight of the proximal term of `feddr`, `fedprox`, `fedpd`, `fedsplit`. Default 0: the method's own. */
  readonly proximal?: number;
  /** R of `control-variate`. Default 10. */
  readonly snapshotEvery?: number;
  /** How `control-variate` goes on from a snapshot. Default `snapshot`. */
  readonly variate?: 'snapshot' | 'recursive';
  /** Outer loop of `control-variate`; needs the smallest eigenvalue of AᵀA, so a side up to 1,500. Default `none`. */
  readonly acceleration?: 'none' | 'nesterov' | 'chebyshev';
  /** Of values on the way: 8 or 4 bytes. Default `float64`. */
  readonly precision?: 'float64' | 'float32';
  /** Stop once ‖Ax − b‖/‖b‖, or with `optimum` ‖A(x − x*)‖/‖b‖, is at most this. Default 0. */
  readonly tolerance?: number;
  /** x*, `[d]`: distances to it are recorded. */
  readonly optimum?: ArrayLike<number>;
  /** x_0, `[d]`. Default zeros. */
  readonly start?: ArrayLike<number>;
  /** What to do about a step that diverges: `warn`, `error` or nothing. Default `warn`. See {@link guard}. */
  readonly guard?: 'off' | 'warn' | 'error';
  /**
   * What to do where columns are combinations of others and n ≥ d, so that the answer is not unique; checked up to 1,500
   * columns. `warn` names them and returns one answer. Default `error`.
   */
  readonly collinear?: 'off' | 'warn' | 'error';
  /** Record and certify every so many rounds; it costs a gradient of the whole. Default 1. */
  readonly recordEvery?: number;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** A context from options. @throws ArgumentError for an option outside its range. */
export function contextOf(system: LinearSystem, options: SolveOptions): Context {
  const {
    method = 'control-variate',
    workers = 10,
    alpha = 0.5,
    localSteps = 1,
    masks = method === 'control-variate' ? 'blocks' : 'bernoulli',
    scaled = false,
    learningRate,
    halveEvery = 0,
    steps = 'constant',
    form = 'intended',
    drift = 1,
    proximal = 0,
    snapshotEvery = 10,
    variate = 'snapshot',
    acceleration = 'none',
    start,
  } = options;
  if (!(method in methods)) {
    throw new ArgumentError(
      `solve: method must be one of ${Object.keys(methods).join(', ')}, got ${method}.`,
    );
  }
  wholeFrom('workers (L)', workers, 1);
  wholeFrom('localSteps (T)', localSteps, 1);
  wholeFrom('snapshotEvery', snapshotEvery, 1);
  wholeFrom('rounds', options.rounds ?? 200, 0);
  wholeFrom('recordEvery', options.recordEvery ?? 1, 1);
  wholeFrom('halveEvery', halveEvery, 0);
  oneOf('steps', steps, ['constant', 'line-search', 'polynomial', 'chebyshev']);
  oneOf('form', form, ['intended', 'printed']);
  oneOf('variate', variate, ['snapshot', 'recursive']);
  oneOf('acceleration', acceleration, ['none', 'nesterov', 'chebyshev']);
  oneOf('precision', options.precision ?? 'float64', ['float64', 'float32']);
  oneOf('guard', options.guard ?? 'warn', ['off', 'warn', 'error']);
  oneOf('collinear', options.collinear ?? 'error', ['off', 'warn', 'error']);
  if (method === 'sgd' && form === 'printed') {
    throw new ArgumentError(
      'solve: Algorithm 2 as printed subtracts the vector b from a number, which is not defined. Leave form at intended.',
    );
  }
  if ((method === 'deregularised' || method === 'control-variate') && localSteps !== 1) {
    throw new ArgumentError(
      `solve: ${method} is unbiased for localSteps = 1 alone (Section 3), got ${localSteps}. Take consensus or feddr.`,
    );
  }
  if (masks === 'greedy' && method !== 'masked') {
    throw new ArgumentError(
      `solve: greedy masks are not random, so that ${method} cannot be unbiased. Take them with method masked.`,
    );
  }
  if (learningRate !== undefined && !(learningRate > 0 && Number.isFinite(learningRate))) {
    throw new ArgumentError(`solve: learningRate must be above 0, got ${learningRate}.`);
  }
  if (!(drift > 0 && proximal >= 0)) {
    throw new ArgumentError(
      `solve: drift must be above 0 and proximal at least 0, got ${drift} and ${proximal}.`,
    );
  }
  for (const [name, vector] of [
    ['start', start],
    ['optimum', options.optimum],
  ] as const) {
    if (vector && vector.length !== system.d) {
      throw new ArgumentError(
        `solve: ${name} must have ${system.d} numbers, one for each column of A, got ${vector.length}.`,
      );
    }
  }
  let found: Spectrum | undefined;
  const rest = {
    system,
    workers,
    localSteps,
    snapshotEvery,
    alpha,
    masks: maskFamily(masks, system, alpha),
    form,
    steps,
    scaled,
    drift,
    proximal,
    acceleration,
    variate,
    spectrum: () => (found ??= spectrum(system)),
    start: start ? Float64Array.from(start) : new Float64Array(system.d),
  };
  if (acceleration !== 'none' && rest.spectrum().smallest === null) {
    throw new ArgumentError(
      'solve: acceleration needs the smallest eigenvalue of AᵀA, which is computed up to 1,500 rows or columns. Leave it at none.',
    );
  }
  const rate = learningRate ?? methods[method].defaultRate(rest);
  return {
    ...rest,
    learningRate: rate,
    eta: (k) => (halveEvery > 0 ? rate * 2 ** -Math.floor(k / halveEvery) : rate),
  };
}

function wholeFrom(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new ArgumentError(`solve: ${name} must be a whole number from ${least}, got ${value}.`);
}

function oneOf(name: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw new ArgumentError(`solve: ${name} must be one of ${allowed.join(', ')}, got ${value}.`);
}
