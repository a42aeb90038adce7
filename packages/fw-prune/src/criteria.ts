import { ArgumentError, NonFiniteError } from '@ockham/core';
import type { Random } from '@ockham/core/random';

/**
 * How much a weight matters; the smallest scores are pruned first. w is a weight, G the (accumulated) gradient
 * of the loss.
 *
 * - `magnitude`: |w|, paper Alg. 2.
 * - `gradient`: |G|, the literal reading of "pruning based on G" in Alg. 3 and 4. A weight at its optimum has
 *   G = 0, however large it is, so this prunes what training has settled.
 * - `weight-gradient`: |w·G|, the first-order Taylor estimate of the loss change when w is removed
 *   (Molchanov et al. 2017).
 * - `lmo`: |w − G/L|, see {@link lmoScores}.
 * - `natural-lmo`: the same with a curvature for each layer, see {@link naturalLmoScores}.
 * - `random`: uniform; the floor every criterion must beat.
 * - a function of your own.
 */
export type Criterion =
  'magnitude' | 'gradient' | 'weight-gradient' | 'lmo' | 'natural-lmo' | 'random' | CriterionFunction;

/** Scores one kernel: as many finite numbers as it has weights. Arrays are row-major and must not be changed. */
export type CriterionFunction = (kernel: CriterionInput) => ArrayLike<number>;

/** What a criterion sees of one kernel. */
export interface CriterionInput {
  /** `layer/kernel`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly weights: Float32Array;
  /** G, the gradient accumulated so far; zeros where none was computed. */
  readonly gradient: Float32Array;
  /** A stream of this kernel and iteration. */
  readonly random: Random;
}

/** One kernel with what its score needs. */
export type ScoredKernel = CriterionInput;

/** Whether a criterion looks at gradients; a function is assumed to. */
export function needsGradient(criterion: Criterion): boolean {
  return criterion !== 'magnitude' && criterion !== 'random';
}

/**
 * The scores of every kernel.
 *
 * @param curvature The L of `lmo` and `natural-lmo`, relative to ‖G‖/‖w‖ over all kernels.
 * @throws NonFiniteError if a score is NaN, naming the kernel.
 */
export function scoresOf(
  criterion: Criterion,
  kernels: readonly ScoredKernel[],
  curvature: number,
): Float64Array[] {
  const scores = kernelScores(criterion, kernels, curvature);
  for (const [i, score] of scores.entries()) {
    const bad = score.findIndex((s) => Number.isNaN(s));
    if (bad < 0) continue;
    throw new NonFiniteError(
      `prune: the criterion gives NaN for weight ${bad} of ${kernels[i]!.name}. Check that the model's weights and its loss on the training data are finite.`,
    );
  }
  return scores;
}

function kernelScores(
  criterion: Criterion,
  kernels: readonly ScoredKernel[],
  curvature: number,
): Float64Array[] {
  if (criterion === 'lmo') return lmoScores(kernels, curvature);
  if (criterion === 'natural-lmo') return naturalLmoScores(kernels, curvature);
  return kernels.map((kernel) => {
    const { weights, gradient, random } = kernel;
    switch (criterion) {
      case 'magnitude':
        return Float64Array.from(weights, Math.abs);
      case 'gradient':
        return Float64Array.from(gradient, Math.abs);
      case 'weight-gradient':
        return Float64Array.from(weights, (w, i) => Math.abs(w * gradient[i]!));
      case 'random':
        return Float64Array.from(weights, () => random.uniform());
      default:
        return ownScores(criterion, kernel);
    }
  });
}

/**
 * One Frank-Wolfe step of the paper's view of pruning. The loss near w is modelled by
 * q(v) = ⟨G, v − w⟩ + (L/2)‖v − w‖², minimised over the k-sparse polytope. Its gradient at the empty network
 * v = 0 is G − L·w, and the linear minimisation oracle there picks the k coordinates of largest |G − L·w|,
 * that is of largest |w − G/L|.
 *
 * L → 0 ranks as `gradient`, L → ∞ as `magnitude`. L is given relative to ‖G‖/‖w‖, so that the ranking depends
 * on the scale of neither the loss nor the number of examples in G.
 */
function lmoScores(kernels: readonly ScoredKernel[], curvature: number): Float64Array[] {
  const norm = (key: 'weights' | 'gradient') =>
    Math.sqrt(kernels.reduce((sum, kernel) => kernel[key].reduce((s, value) => s + value * value, sum), 0));
  const [w, G] = [norm('weights'), norm('gradient')];
  const step = G === 0 ? 0 : w === 0 ? 1 : w / (curvature * G); // 1/L
  return kernels.map(({ weights, gradient }) =>
    Float64Array.from(weights, (value, i) => Math.abs(value - step * gradient[i]!)),
  );
}

/**
 * {@link lmoScores} where the curvature is that of each layer: q(v) = ⟨G, v − w⟩ + Σ_l (L_l/2)‖v_l − w_l‖².
 *
 * Near a minimum the Hessian is the Fisher matrix, the mean of squared gradients (Amari 1998), and the square of a
 * subsample's mean gradient G is an unbiased estimate of it up to a factor 1/S. Averaged over a layer this gives
 * L_l = c · mean(G_l²). In the metric of L the oracle at v = 0 picks the largest √L_l · |w − G/L_l|: a weight of a
 * layer that the loss is sensitive to, as a first convolution used at every position, counts for more than an equal
 * one of a wide dense layer. L → ∞ ranks by |w| · rms(G_l).
 *
 * c is set so that ‖G/L‖ = ‖w‖/curvature over all kernels. A layer without a gradient scores 0: nothing depends on
 * it. Without any gradient the ranking is that of `magnitude`, for zero weights that of `gradient`.
 */
function naturalLmoScores(kernels: readonly ScoredKernel[], curvature: number): Float64Array[] {
  const square = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0);
  const fisher = kernels.map(({ gradient }) => square(gradient) / Math.max(1, gradient.length));
  const w = Math.sqrt(kernels.reduce((sum, { weights }) => sum + square(weights), 0));
  const steps = Math.sqrt(
    kernels.reduce(
      (sum, { gradient }, i) => (fisher[i] === 0 ? sum : sum + square(gradient) / fisher[i]! ** 2),
      0,
    ),
  ); // ‖G/L‖ at c = 1
  if (steps === 0 || w === 0) return lmoScores(kernels, curvature);
  const c = (curvature * steps) / w;
  return kernels.map(({ weights, gradient }, i) => {
    const L = c * fisher[i]!;
    if (L === 0) return new Float64Array(weights.length);
    return Float64Array.from(weights, (value, j) => Math.sqrt(L) * Math.abs(value - gradient[j]! / L));
  });
}

function ownScores(criterion: CriterionFunction, kernel: ScoredKernel): Float64Array {
  const scores = Float64Array.from(criterion(kernel));
  if (scores.length !== kernel.weights.length) {
    throw new ArgumentError(
      `prune: the criterion must return ${kernel.weights.length} scores for ${kernel.name}, one per weight, got ${scores.length}.`,
    );
  }
  return scores;
}
