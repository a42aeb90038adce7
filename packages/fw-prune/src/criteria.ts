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
 * - `lmo`: |w − G/L|, L being one number, set relative to ‖G‖/‖w‖ over all kernels.
 * - `natural-lmo`: √L · |w − G/L| with a curvature L for each weight, from the diagonal of the Fisher matrix (Amari 1998).
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
  /** Of the kernel, such as `[inputs, outputs]`. */
  readonly shape: readonly number[];
  /** Its values, row-major. Not to be changed. */
  readonly weights: Float32Array;
  /** G, the gradient accumulated so far; zeros where none was computed. */
  readonly gradient: Float32Array;
  /** The mean of the squared gradients of mini-batches; zeros where none was computed. */
  readonly squaredGradient: Float32Array;
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
 * {@link lmoScores} where each weight has a curvature of its own: q(v) = ⟨G, v − w⟩ + Σ_j (L_j/2)(v_j − w_j)².
 *
 * Near a minimum the Hessian is about the Fisher matrix (Amari 1998), whose diagonal F_j is the mean of squared
 * gradients. L_j = c·(F_j + F̄)/2, with F̄ the mean of F over the kernel's non-zero weights: a single F_j is
 * noisy, and near 0 where a unit happens to be silent on the subsample. In the metric of L the oracle at v = 0 picks the
 * largest √L_j · |w_j − G_j/L_j|; for L → ∞ that is the saliency of optimal brain damage, w²·F (LeCun et al. 1990).
 *
 * c is set so that ‖G/L‖ = ‖w‖/curvature over all kernels. A kernel without a gradient scores 0: nothing depends on
 * it. Without any gradient the ranking is that of `magnitude`, for zero weights that of `gradient`.
 */
function naturalLmoScores(kernels: readonly ScoredKernel[], curvature: number): Float64Array[] {
  const square = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0);
  const fisher = kernels.map(dampedFisher);
  const w = Math.sqrt(kernels.reduce((sum, { weights }) => sum + square(weights), 0));
  let steps = 0; // ‖G/L‖² at c = 1
  for (const [i, { gradient }] of kernels.entries())
    for (const [j, F] of fisher[i]!.entries()) if (F > 0) steps += (gradient[j]! / F) ** 2;
  if (w === 0 || fisher.every((kernel) => kernel.every((F) => F === 0))) return lmoScores(kernels, curvature);
  const c = (curvature * Math.sqrt(steps)) / w;
  return kernels.map(({ weights, gradient }, i) =>
    Float64Array.from(weights, (value, j) => {
      const F = fisher[i]![j]!;
      return F === 0 ? 0 : Math.sqrt(F) * Math.abs(value - (c === 0 ? 0 : gradient[j]! / (c * F)));
    }),
  );
}

/** (F_j + F̄)/2 of one kernel. */
function dampedFisher({ weights, squaredGradient }: ScoredKernel): Float64Array {
  let [sum, count] = [0, 0];
  for (const [j, F] of squaredGradient.entries()) if (weights[j] !== 0) [sum, count] = [sum + F, count + 1];
  const mean =
    count > 0 ? sum / count : squaredGradient.reduce((s, F) => s + F, 0) / Math.max(1, weights.length);
  return Float64Array.from(squaredGradient, (F) => (F + mean) / 2);
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
