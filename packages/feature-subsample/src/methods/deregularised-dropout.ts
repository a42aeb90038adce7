/**
 * Algorithm 4: workers answer with unbiased gradients of ½‖Ax − b‖² (Theorem 1), one step a round.
 *
 * Deviations: the default step is α²/σ², not 1/σ; masks other than α⁻¹Bernoulli(α), see masked-operator.ts.
 */
import { maskedGradient } from '../masked-operator.ts';
import { gather, maskedWorker, type Method } from './method.ts';

export const deregularisedDropout: Method = {
  masked: true,
  defaultRate: ({ spectrum, form, alpha }) => {
    const { largest } = spectrum();
    return form === 'printed' ? 1 / Math.sqrt(largest) : alpha ** 2 / largest;
  },
  coordinator({ start, workers, eta }) {
    const x = start.slice();
    return {
      x,
      down: (_, __, mask) => gather(x, mask),
      apply(k, ups, masks) {
        const step = eta(k) / workers;
        ups.forEach((up, worker) => masks[worker]!.indices.forEach((i, p) => (x[i]! -= step * up[p]!)));
      },
    };
  },
  worker: ({ system, masks: { pairFactor } }) =>
    maskedWorker((_, mask, down) => maskedGradient(system, mask, down, 'deregularised', { pairFactor })),
};
