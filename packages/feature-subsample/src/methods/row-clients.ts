/** The federated setting of the baselines: client ℓ has f_ℓ(x) = (L/2)‖A_ℓx − b_ℓ‖² on its rows; their mean is ½‖Ax − b‖². */
import { shareOf } from '@ockham/core/comm';
import { largestEigenvalue, type LinearSystem } from '../system.ts';

export interface RowClient {
  /** ∇f_ℓ(x), `[d]`. */
  gradient(x: Float64Array): Float64Array;
  /** Largest eigenvalue of its Hessian. */
  readonly smoothness: number;
}

export function rowClient(system: LinearSystem, workers: number, index: number): RowClient {
  const [begin, end] = shareOf(system.n, index, workers);
  const scaled = (x: Float64Array, homogeneous: boolean): Float64Array =>
    system.gradient(x, begin, end, homogeneous).map((value) => workers * value);
  let smoothness: number | undefined;
  return {
    gradient: (x) => scaled(x, false),
    get smoothness() {
      smoothness ??= begin === end ? 0 : largestEigenvalue(system.d, (x) => scaled(x, true), 20);
      return smoothness;
    },
  };
}

const known = new WeakMap<LinearSystem, Map<number, number>>();

/** The largest of the clients' smoothness. */
export function worstSmoothness(system: LinearSystem, workers: number): number {
  let ofSystem = known.get(system);
  if (!ofSystem) known.set(system, (ofSystem = new Map<number, number>()));
  const before = ofSystem.get(workers);
  if (before !== undefined) return before;
  let most = 0;
  for (let index = 0; index < workers; index++) {
    most = Math.max(most, rowClient(system, workers, index).smoothness);
  }
  ofSystem.set(workers, most);
  return most;
}

/** T gradient steps on f_ℓ(x) + (weight/2)‖x − anchor‖² + ⟨shift, x⟩. */
export function clientDescent(
  client: RowClient,
  start: Float64Array,
  options: {
    readonly localSteps: number;
    readonly eta: number;
    readonly weight?: number;
    readonly anchor?: Float64Array;
    readonly shift?: Float64Array;
  },
): Float64Array {
  const { localSteps, eta, weight = 0, anchor = start, shift } = options;
  const x = start.slice();
  for (let t = 0; t < localSteps; t++) {
    const g = client.gradient(x);
    for (let i = 0; i < x.length; i++) {
      x[i]! -= eta * (g[i]! + weight * (x[i]! - anchor[i]!) + (shift ? shift[i]! : 0));
    }
  }
  return x;
}

/** The mean of the workers' vectors, added in their order. */
export function meanOf(vectors: readonly Float64Array[], offset = 0, length?: number): Float64Array {
  const d = length ?? vectors[0]!.length;
  const mean = new Float64Array(d);
  for (const vector of vectors) for (let i = 0; i < d; i++) mean[i]! += vector[offset + i]!;
  return mean.map((value) => value / vectors.length);
}
