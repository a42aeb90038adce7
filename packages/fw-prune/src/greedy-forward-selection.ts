/**
 * Greedy forward selection: from an empty network, add the neuron that lowers the loss most, again and again.
 * Ye, Gong, Nie, Zhou, Klivans and Liu 2020, "Good subnetworks provably exist: pruning via greedy forward selection",
 * Algorithm 1; the paper's equations 1 and 2, and its Section 7.
 *
 * Notation: φ_i = σ(·; θ_i) the outputs of neuron i on the m examples, u the output of the chosen network, y the targets,
 * f = ½‖u - y‖².
 * Rates, for C = max ‖φ_i - φ_j‖² and f* the least loss in the convex hull of the neurons: `line-search` gives
 * f(u_k) - f* ≤ 2C/(k + 2), being at least as good as Frank-Wolfe; `uniform` gives C·(1 + ln k)/(2k); and where y
 * lies inside the hull with a ball of radius r around it, `uniform` gives f(u_k) ≤ max(D, D²/2r)²/(2k²), D = max ‖φ_i - y‖.
 */
import { ArgumentError, NonFiniteError, throwIfAborted } from '@ockham/core';

/**
 * `uniform`: the average of the paper's f_S, u ← (1 - 1/k)u + φ_i/k. `line-search`: u ← (1 - γ)u + γφ_i with the best γ
 * in [0, 1] for each neuron.
 */
export type GreedyStep = 'uniform' | 'line-search';

/** Options of {@link greedyForwardSelection}. */
export interface GreedyOptions {
  /** Selections, repetitions counted; ≥ 1. */
  readonly size: number;
  /** Default `uniform`, as in the paper. */
  readonly step?: GreedyStep;
  /** Stops once this many different neurons are chosen; none beyond is ever chosen. Default: no limit. */
  readonly distinct?: number;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** One selection. */
export interface GreedyRecord {
  /** The neuron chosen. */
  readonly index: number;
  /** γ: 1/k for `uniform`. */
  readonly step: number;
  /** ½‖u - y‖² after it. */
  readonly loss: number;
}

/** What {@link greedyForwardSelection} and {@link selectGreedily} return. */
export interface GreedyResult {
  /** The neurons with weight, in order of their first choice: the set S. */
  readonly chosen: Int32Array;
  /** `[N]`; u = Σ weights_i φ_i, non-negative, summing to 1. */
  readonly weights: Float64Array;
  /** Shorter than `size` where a line search finds the loss of the whole hull's optimum. */
  readonly history: readonly GreedyRecord[];
}

/** The inner products that the selection needs; columns are asked for only once a neuron is chosen. */
export interface NeuronProducts {
  /** N. */
  readonly count: number;
  /** ‖φ_i‖². */
  readonly squares: Float64Array;
  /** ⟨φ_i, y⟩. */
  readonly withTarget: Float64Array;
  /** ‖y‖². */
  readonly targetSquare: number;
  /** ⟨φ_j, φ_index⟩ for every j. */
  column(index: number): Float64Array;
}

/**
 * Chooses neurons of a two-layer network f_S(x) = (1/|S|) Σ_{i ∈ S} σ(x; θ_i), with repetition.
 *
 * @param neurons Row-major `[N, m]`: row i holds the outputs of neuron i on the m examples (times its output weight).
 * @param y `[m]`, what their average should be.
 *
 * @example
 * const { chosen, history } = greedyForwardSelection(neurons, y, { size: 50, step: 'line-search' });
 *
 * @throws ArgumentError when sizes disagree or options are out of range, NonFiniteError for NaN.
 */
export function greedyForwardSelection(
  neurons: Float64Array,
  y: Float64Array,
  options: GreedyOptions,
): GreedyResult {
  return selectGreedily(neuronProducts(neurons, y), options);
}

/**
 * Greedy forward selection from inner products alone, O(N) per selection beside the columns.
 *
 * @param free A neuron that does not count as chosen and wins ties: the zero vector, where weights may sum to less than 1.
 */
export function selectGreedily(
  products: NeuronProducts,
  options: GreedyOptions,
  free?: number,
): GreedyResult {
  const { size, step = 'uniform', distinct = Infinity, signal } = options;
  checkOptions(options);
  const { count, squares, withTarget, targetSquare } = products;
  const columns = new Map<number, Float64Array>();
  const weights = new Float64Array(count);
  const withOutput = new Float64Array(count); // ⟨φ_i, u⟩
  const history: GreedyRecord[] = [];
  const candidates = Array.from({ length: count }, (_, i) => i).sort(
    (a, b) => Number(b === free) - Number(a === free),
  );
  let taken = 0;

  for (let k = 1; k <= size; k++) {
    throwIfAborted(signal, 'greedyForwardSelection');
    let outputSquare = 0; // ‖u‖²
    let outputTarget = 0; // ⟨u, y⟩
    for (let i = 0; i < count; i++) {
      outputSquare += weights[i]! * withOutput[i]!;
      outputTarget += weights[i]! * withTarget[i]!;
    }
    let best: GreedyRecord = { index: -1, step: 0, loss: Infinity };
    for (const i of candidates) {
      if (taken >= distinct && i !== free && !columns.has(i)) continue;
      const directionSquare = squares[i]! - 2 * withOutput[i]! + outputSquare; // ‖φ_i - u‖²
      const slope = withTarget[i]! - withOutput[i]! - outputTarget + outputSquare; // ⟨y - u, φ_i - u⟩
      const gamma = k === 1 ? 1 : step === 'uniform' ? 1 / k : clip(slope / directionSquare);
      const loss =
        targetSquare / 2 -
        outputTarget +
        outputSquare / 2 -
        gamma * slope +
        (gamma * gamma * directionSquare) / 2;
      if (loss < best.loss) best = { index: i, step: gamma, loss: Math.max(0, loss) };
    }
    const { index, step: gamma } = best;
    if (index < 0)
      throw new NonFiniteError(
        'greedyForwardSelection: the inner products overflow float64. Scale the outputs down.',
      );
    if (gamma === 0) break; // a line search that cannot lower the loss: the hull's optimum
    let column = columns.get(index);
    if (!column) {
      columns.set(index, (column = products.column(index)));
      if (index !== free) taken++;
    }
    for (let i = 0; i < count; i++) {
      weights[i]! *= 1 - gamma;
      withOutput[i] = (1 - gamma) * withOutput[i]! + gamma * column[i]!;
    }
    weights[index]! += gamma;
    history.push(best);
  }
  const chosen = [...columns.keys()].filter((i) => i !== free && weights[i]! > 0); // a full line-search step empties the others
  return { chosen: Int32Array.from(chosen), weights, history };
}

/** Inner products of explicit outputs; see {@link greedyForwardSelection} for the shapes. */
function neuronProducts(neurons: Float64Array, y: Float64Array): NeuronProducts {
  const m = y.length;
  const count = neurons.length / m;
  if (m < 1 || !Number.isInteger(count) || count < 1) {
    throw new ArgumentError(
      `greedyForwardSelection: neurons must hold N rows of y.length = ${m} ≥ 1 outputs, got ${neurons.length} values.`,
    );
  }
  if (!neurons.every(Number.isFinite) || !y.every(Number.isFinite)) {
    throw new NonFiniteError(
      'greedyForwardSelection: outputs and targets must be finite. Check the network for NaN first.',
    );
  }
  const row = (i: number): Float64Array => neurons.subarray(i * m, (i + 1) * m);
  const withEach = (v: Float64Array): Float64Array =>
    Float64Array.from({ length: count }, (_, i) => dot(row(i), v));
  return {
    count,
    squares: Float64Array.from({ length: count }, (_, i) => dot(row(i), row(i))),
    withTarget: withEach(y),
    targetSquare: dot(y, y),
    column: (index) => withEach(row(index)),
  };
}

/** To [0, 1]; 0 where the direction vanishes (0/0). */
function clip(gamma: number): number {
  return gamma > 0 ? Math.min(1, gamma) : 0;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function checkOptions({ size, step = 'uniform', distinct = 1 }: GreedyOptions): void {
  if (!Number.isInteger(size) || size < 1)
    throw new ArgumentError(`greedyForwardSelection: size must be an integer ≥ 1, got ${size}.`);
  if (step !== 'uniform' && step !== 'line-search') {
    throw new ArgumentError(
      `greedyForwardSelection: step must be 'uniform' or 'line-search', got '${String(step)}'.`,
    );
  }
  if (distinct !== Infinity && !(Number.isInteger(distinct) && distinct >= 1)) {
    throw new ArgumentError(`greedyForwardSelection: distinct must be an integer ≥ 1, got ${distinct}.`);
  }
}
