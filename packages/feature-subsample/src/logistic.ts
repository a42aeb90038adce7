/**
 * Logistic regression by masked features, beyond the paper's linear case: mean log(1 + e^{−b aᵀx}) + (λ/2)‖x‖². A worker
 * sees the columns of its mask and the margins Ax of the round, takes T gradient steps on its own entries, and the mean
 * of the changes is made. There is no deregularised form: the expectation of a masked loss is closed for squares alone.
 *
 * With the margins instead of masked x, a step is an unbiased coordinate step; they cost n numbers down beside nnz up.
 */
import { ArgumentError, throwIfAborted } from '@ockham/core';
import { Random } from '@ockham/core/random';
import { largestEigenvalue, linearSystem, type Samples } from './system.ts';
import { maskFamily, type MaskKind } from './masks/mask.ts';

/** Options of {@link logistic}. */
export interface LogisticOptions {
  /** L. Default 10. */
  readonly workers?: number;
  /** α. Default 0.5. */
  readonly alpha?: number;
  /** T. Default 1. */
  readonly localSteps?: number;
  /** Default 200. */
  readonly rounds?: number;
  /** λ. Default 1e-4. */
  readonly ridge?: number;
  /** Default 1/(‖A‖²/(4n) + λ), safe for one worker. */
  readonly learningRate?: number;
  /** Default `blocks`. */
  readonly masks?: Exclude<MaskKind, 'greedy'>;
  /** Default 0. */
  readonly seed?: number;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** What {@link logistic} returns. */
export interface LogisticSolution {
  /** `[d]`. */
  readonly x: Float64Array;
  /** The regularised loss before each round and after the last. */
  readonly history: readonly number[];
  /** Share of the samples on the right side. */
  readonly accuracy: number;
  /** Margins and seed down, nnz up, over all rounds and workers. */
  readonly bytes: number;
}

/**
 * @param labels `[n]`, +1 or −1
 * @throws ArgumentError for labels other than ±1, and as `solve`.
 */
export function logistic(
  A: Samples,
  labels: ArrayLike<number>,
  options: LogisticOptions = {},
): LogisticSolution {
  const {
    workers = 10,
    alpha = 0.5,
    localSteps = 1,
    rounds = 200,
    ridge = 1e-4,
    masks = 'blocks',
    seed = 0,
    signal,
  } = options;
  const system = linearSystem(A, labels, { who: 'logistic' });
  const { n, d, a, b } = system;
  const wrong = b.findIndex((value) => value !== 1 && value !== -1);
  if (wrong >= 0) throw new ArgumentError(`logistic: labels must be +1 or −1, got ${b[wrong]} at ${wrong}.`);
  if (!(workers >= 1 && localSteps >= 1 && Number.isInteger(workers) && Number.isInteger(localSteps))) {
    throw new ArgumentError(
      `logistic: workers and localSteps must be whole numbers from 1, got ${workers} and ${localSteps}.`,
    );
  }
  const family = maskFamily(masks, system, alpha);
  const largest = largestEigenvalue(d, (x) => system.gradient(x, 0, n, true), 20);
  const { learningRate = 1 / (largest / (4 * n) + ridge) } = options;
  const random = new Random(seed).stream('masks');
  const x = new Float64Array(d);
  const history: number[] = [];
  let bytes = 0;
  for (let k = 0; k < rounds; k++) {
    throwIfAborted(signal, 'logistic');
    const margins = system.times(x);
    history.push(loss(margins, b, x, ridge));
    const shared = random.seed();
    const change = new Float64Array(d);
    const seen = new Float64Array(d);
    for (let w = 0; w < workers; w++) {
      const { indices } = family.draw(masks === 'blocks' ? shared : random.seed(), w);
      bytes += 4 + 8 * n + 8 * indices.length;
      const v = descend(a.values, d, b, margins, indices, x, { localSteps, learningRate, ridge });
      indices.forEach((i, p) => {
        change[i]! += v[p]! - x[i]!;
        seen[i]! += 1;
      });
    }
    for (let i = 0; i < d; i++) if (seen[i]! > 0) x[i]! += change[i]! / workers;
  }
  const margins = system.times(x);
  history.push(loss(margins, b, x, ridge));
  const right = margins.reduce((sum, margin, i) => sum + (margin * b[i]! > 0 ? 1 : 0), 0);
  return { x, history, accuracy: right / n, bytes };
}

function descend(
  values: Float64Array,
  d: number,
  b: Float64Array,
  margins: Float64Array,
  indices: Int32Array,
  x: Float64Array,
  { localSteps, learningRate, ridge }: { localSteps: number; learningRate: number; ridge: number },
): Float64Array {
  const n = b.length;
  const own = margins.slice();
  const v = Float64Array.from(indices, (i) => x[i]!);
  for (let t = 0; t < localSteps; t++) {
    const g = v.map((value) => ridge * value);
    for (let i = 0; i < n; i++) {
      const weight = -b[i]! / (1 + Math.exp(b[i]! * own[i]!)) / n;
      for (let p = 0; p < indices.length; p++) g[p]! += weight * values[i * d + indices[p]!]!;
    }
    for (let p = 0; p < v.length; p++) v[p]! -= learningRate * g[p]!;
    if (t + 1 === localSteps) break;
    for (let i = 0; i < n; i++) {
      let move = 0;
      for (let p = 0; p < indices.length; p++) move += values[i * d + indices[p]!]! * g[p]!;
      own[i]! -= learningRate * move;
    }
  }
  return v;
}

function loss(margins: Float64Array, b: Float64Array, x: Float64Array, ridge: number): number {
  let sum = 0;
  for (let i = 0; i < b.length; i++) {
    const z = -b[i]! * margins[i]!;
    sum += z > 0 ? z + Math.log1p(Math.exp(-z)) : Math.log1p(Math.exp(z));
  }
  return sum / b.length + (ridge / 2) * x.reduce((total, value) => total + value * value, 0);
}
