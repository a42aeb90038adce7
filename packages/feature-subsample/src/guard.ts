/**
 * The guard: what will become of a method before its first round. It runs a trial with masks of another seed, and carries
 * the growth that it sees on to the last round. Every method but those with a line search is linear in its error, so that
 * the trial starts with every direction that can grow.
 */
import { self } from '@ockham/core/comm';
import { eigh } from '@ockham/core/linalg/eigh';
import { squares } from './certificate.ts';
import { maskedGradient } from './masked-operator.ts';
import type { Context, Method } from './methods/method.ts';
import { methods } from './methods/registry.ts';
import { contextOf, type SolveOptions } from './options.ts';
import { runRounds } from './rounds.ts';
import { linearSystem, type LinearSystem, type Samples } from './system.ts';

/** What the guard found. */
export interface GuardReport {
  /** Whether the error is foreseen to stay below ten times what it was; a noise floor below that is no divergence. */
  readonly safe: boolean;
  /** Foreseen ‖A(x_K − x*)‖/‖A(x_0 − x*)‖, as a natural logarithm; Infinity where the trial overflowed. */
  readonly logGrowth: number;
  /** Extreme eigenvalues of one worker's local Hessian; null for methods without masks or masks of more than 800. */
  readonly localSpectrum: { readonly smallest: number; readonly largest: number } | null;
  /** η of the trial. */
  readonly learningRate: number;
  /** The largest η that is safe, to a factor of 1.1; null unless asked for. */
  readonly largestLearningRate: number | null;
  /** The largest T that is safe, up to 64, 0 if none is; null unless asked for. */
  readonly largestLocalSteps: number | null;
}

/** Options of {@link guard}. */
export interface GuardOptions extends SolveOptions {
  /** Search for the largest safe η and T: about twenty trials. Default false. */
  readonly search?: boolean;
  /** Rounds of a trial at most. Default 200. */
  readonly trialRounds?: number;
}

/**
 * Foresees whether `solve` with these options diverges.
 *
 * @example
 * const { safe, largestLearningRate } = await guard(A, b, { method: 'consensus', localSteps: 4, search: true });
 */
export async function guard(
  A: Samples,
  b: ArrayLike<number>,
  options: GuardOptions = {},
): Promise<GuardReport> {
  return foresee(linearSystem(A, b, { who: 'guard' }), options);
}

export async function foresee(system: LinearSystem, options: GuardOptions): Promise<GuardReport> {
  const {
    method = 'control-variate',
    rounds = 200,
    search = false,
    trialRounds = 200,
    localSteps = 1,
  } = options;
  const context = contextOf(system, options);
  const report = async (changed: SolveOptions): Promise<number> =>
    trials(methods[method], contextOf(system, { ...options, ...changed }), rounds, trialRounds, options);
  const logGrowth = await report({});
  let [largestLearningRate, largestLocalSteps]: [number | null, number | null] = [null, null];
  if (search) {
    largestLearningRate = await largestRate(context.learningRate, async (learningRate) =>
      isSafe(await report({ learningRate })),
    );
    let most = 0;
    const many =
      method === 'gd' ||
      method === 'sgd' ||
      method === 'cg' ||
      method === 'deregularised' ||
      method === 'control-variate'
        ? 1
        : 64;
    for (
      let T = 1;
      T <= many && isSafe(await report({ localSteps: T, learningRate: context.learningRate }));
      T *= 2
    )
      most = T;
    // between a power of two and the next
    for (let step = most / 2; step >= 1 && most < many; step /= 2) {
      const T = most + step;
      if (isSafe(await report({ localSteps: T, learningRate: context.learningRate }))) most = T;
    }
    largestLocalSteps = most;
  }
  return {
    safe: isSafe(logGrowth),
    logGrowth,
    localSpectrum: localSpectrum(context, method, localSteps),
    learningRate: context.learningRate,
    largestLearningRate,
    largestLocalSteps,
  };
}

// ten times is e^2.3: the rest is the margin for what two trials do not show
const isSafe = (logGrowth: number): boolean => logGrowth < 1;

async function largestRate(from: number, safe: (rate: number) => Promise<boolean>): Promise<number | null> {
  let [low, high] = [from, from];
  if (await safe(from)) {
    for (let i = 0; i < 12 && (await safe((high = 2 * low))); i++) low = high;
  } else {
    for (let i = 0; i < 24 && !(await safe((low = high / 2))); i++) high = low;
    if (!(await safe(low))) return null;
  }
  while (high / low > 1.1) {
    const middle = Math.sqrt(low * high);
    if (await safe(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** The worse of two trials with seeds of their own. */
async function trials(
  method: Method,
  context: Context,
  rounds: number,
  trialRounds: number,
  { seed = 0, precision = 'float64' }: SolveOptions,
): Promise<number> {
  const first = await trial(method, context, rounds, trialRounds, (seed ^ 0x5bd1e995) >>> 1, precision);
  if (first === Infinity) return first;
  return Math.max(
    first,
    await trial(method, context, rounds, trialRounds, (seed ^ 0x27d4eb2f) >>> 1, precision),
  );
}

async function trial(
  method: Method,
  context: Context,
  rounds: number,
  trialRounds: number,
  seed: number,
  precision: 'float64' | 'float32',
): Promise<number> {
  const { system } = context;
  const optimum = excess(system, context);
  const levels: number[] = [];
  const length = Math.min(rounds, trialRounds);
  await runRounds(method, context, {
    comm: self(),
    rounds: length,
    seed,
    precision,
    after(_, { x }) {
      const level = optimum(x);
      levels.push(level);
      return !(level < 1e100);
    },
  });
  const last = levels.length - 1;
  if (!(levels[last]! < 1e100)) return Infinity;
  const start = levels[0]!;
  if (!(start > 0) || last <= 0) return -Infinity;
  // means of logarithms over quarters, as levels jump; the growth from one to the next but one is carried on
  const quarter = Math.max(1, Math.floor(levels.length / 4));
  const mean = (from: number): number => {
    let sum = 0;
    for (let i = from; i < from + quarter; i++) sum += Math.log(Math.max(levels[i]!, 1e-300));
    return sum / quarter;
  };
  const late = mean(levels.length - quarter);
  const slope = (late - mean(Math.max(0, levels.length - 3 * quarter))) / (2 * quarter);
  return late - Math.log(start) + Math.max(0, slope) * (rounds - last + quarter / 2);
}

/** ‖A(x − x*)‖, by the projection of b on A's range: ‖Ax − b‖ where the rows are independent. */
function excess(system: LinearSystem, context: Context): (x: Float64Array) => number {
  const { rank, smallest } = context.spectrum();
  if (rank === system.n || smallest === null) {
    return (x) => Math.sqrt(squares(system.times(x).map((value, i) => value - system.b[i]!)));
  }
  // ‖Aᵀr‖ lies between σ_min and σ_max of it, and needs no solution
  return (x) => Math.sqrt(squares(system.gradient(x)));
}

function localSpectrum(
  { masks, system }: Context,
  name: string,
  localSteps: number,
): GuardReport['localSpectrum'] {
  if (!methods[name as keyof typeof methods].masked || masks.kind === 'greedy' || localSteps < 1) return null;
  const mask = masks.draw(1, 0);
  const m = mask.indices.length;
  if (m === 0 || m > 800) return null;
  const form = name === 'masked' ? 'plain' : 'deregularised';
  const H = new Float64Array(m * m);
  const unit = new Float64Array(m);
  for (let p = 0; p < m; p++) {
    unit[p] = 1;
    H.set(
      maskedGradient(system, mask, unit, form, { pairFactor: masks.pairFactor, homogeneous: true }),
      p * m,
    );
    unit[p] = 0;
  }
  const { values } = eigh({ rows: m, columns: m, values: H }, { symmetryTolerance: 1e-8 });
  return { smallest: values[0]!, largest: values[m - 1]! };
}
