/** Algorithm 1, gradient descent: each worker has its share of the rows. Deviation: the step is 1/σ², not 1/σ. */
import { shareOf } from '@ockham/core/comm';
import { addScaled, denseWorker, type Method } from './method.ts';

export const gradientDescent: Method = {
  masked: false,
  defaultRate: ({ spectrum, form }) => {
    const { largest } = spectrum();
    return 1 / (form === 'printed' ? Math.sqrt(largest) : largest);
  },
  coordinator({ start, eta }) {
    const x = start.slice();
    return {
      x,
      down: () => x,
      apply(k, ups) {
        for (const up of ups) addScaled(x, -eta(k), up);
      },
    };
  },
  worker({ system, workers }, index) {
    const [begin, end] = shareOf(system.n, index, workers);
    return denseWorker(system.d, 1, 1, (_, __, x) => system.gradient(x, begin, end));
  },
};
