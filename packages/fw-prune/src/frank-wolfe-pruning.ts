/**
 * Frank-Wolfe pruning, paper Algorithms 3 and 4. In each of N iterations the gradient G of the loss over a random
 * subsample of S examples says which weights to prune, then the model is retrained for E epochs. Algorithm 3 prunes
 * twice, at ⌊N/2⌋ and N, to the final sparsity s; Algorithm 4 prunes in every iteration, to a sparsity that
 * grows by Δs from s_init to s_final, and carries G over with momentum m.
 *
 * "Pruning based on G" is read as a linear minimisation oracle (criterion `natural-lmo`, see criteria.ts); the literal
 * reading, smallest |G| first, is the criterion `gradient` and what the printed forms use. Weights of different layers
 * compete by their LAMP score instead of directly.
 *
 * Deviations of the intended forms, each an option: Δs is divided by the number of prunings that raise sparsity
 * less one, so that s_final is reached; G_i = m·G_{i−1} + ∇ instead of G = m·∇, which changes no ranking; masks are
 * held during retraining; sparsity grows along a cubic over the first half of the prunings from 0.9·s_final instead
 * of in equal steps up to the last, so that the last pruning has time to recover; G is the mean over the subsample
 * in large batches instead of a sum of single instances, the same up to a factor and rounding; Adam instead of SGD.
 * In every form W is the kernels without the biases.
 */
import { fallingAdam } from './retraining.ts';
import type { MethodDefaults } from './settings.ts';

const frankWolfeIntended: MethodDefaults = {
  iterations: 10,
  criterion: 'natural-lmo',
  scope: 'lamp',
  schedule: 'one-shot',
  pruneAt: 'halves',
  sparsityStep: 'N-1',
  ramp: 1,
  momentum: 0,
  momentumForm: 'accumulated',
  mask: 'hold',
  regrow: false,
  gradientPasses: 'mean',
  floorOfEvenShare: 0.1,
  initialFraction: 0.9,
  retrain: fallingAdam,
  dropout: 'adjust',
};

const printed = {
  criterion: 'gradient',
  scope: 'global',
  momentumForm: 'printed',
  sparsityStep: 'N',
  mask: 'release',
  gradientPasses: 'single',
  floorOfEvenShare: 0,
  initialFraction: 0.5,
  retrain: { optimizer: 'sgd' },
  dropout: 'keep',
} satisfies Partial<MethodDefaults>;

/** Algorithm 3. */
export const frankWolfePruning: Record<'intended' | 'printed', MethodDefaults> = {
  intended: frankWolfeIntended,
  printed: { ...frankWolfeIntended, ...printed, pruneAt: 'printed-halves' },
};

const momentumIntended: MethodDefaults = {
  ...frankWolfeIntended,
  schedule: 'cubic',
  ramp: 0.5,
  pruneAt: 'every',
  momentum: 0.9,
};

/** Algorithm 4. */
export const frankWolfeMomentumPruning: Record<'intended' | 'printed', MethodDefaults> = {
  intended: momentumIntended,
  printed: { ...momentumIntended, ...printed, schedule: 'linear', ramp: 1 },
};
