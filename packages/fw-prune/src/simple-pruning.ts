/**
 * Simple pruning, paper Algorithm 2: the round(p·n) weights of smallest magnitude are set to zero, once, and the
 * model is retrained for E epochs.
 *
 * Deviations: W is the kernels without the biases; with `mask: 'hold'` (default) retraining keeps the zeros, while
 * the printed form lets them grow back.
 */
import { fallingAdam } from './retraining.ts';
import type { MethodDefaults } from './settings.ts';

const intended: MethodDefaults = {
  iterations: 1,
  criterion: 'magnitude',
  scope: 'global',
  schedule: 'one-shot',
  pruneAt: 'every',
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

/** Algorithm 2. */
export const simplePruning: Record<'intended' | 'printed', MethodDefaults> = {
  intended,
  printed: {
    ...intended,
    mask: 'release',
    floorOfEvenShare: 0,
    initialFraction: 0.5,
    retrain: { optimizer: 'sgd' },
    dropout: 'keep',
  },
};
