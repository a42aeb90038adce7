/**
 * Algorithm 2, stochastic gradient descent: each worker takes one random row in a round, and the mean step is made.
 *
 * Deviations: a_iᵀx − b_i, where the whole of b is printed; the step is 1/max‖a_i‖², the largest that is safe for one row.
 */
import { Random } from '@ockham/core/random';
import { addScaled, denseWorker, type Method } from './method.ts';

export const stochasticGradientDescent: Method = {
  masked: false,
  defaultRate({ system: { a } }) {
    let most = 0;
    for (let i = 0; i < a.rows; i++) {
      let sum = 0;
      for (let j = 0, p = i * a.columns; j < a.columns; j++, p++) sum += a.values[p]! ** 2;
      most = Math.max(most, sum);
    }
    return 1 / most;
  },
  coordinator({ start, eta, workers }) {
    const x = start.slice();
    return {
      x,
      down: () => x,
      apply(k, ups) {
        for (const up of ups) addScaled(x, -eta(k) / workers, up);
      },
    };
  },
  worker({ system }) {
    return denseWorker(system.d, 1, 1, (_, __, x, seed) => {
      const row = new Random(seed).integer(system.n);
      return system.gradient(x, row, row + 1);
    });
  },
};
