/** SCAFFOLD (Karimireddy et al. 2020, option II): local steps corrected by control variates; two vectors each way. */
import { addScaled, denseWorker, type Method } from './method.ts';
import { meanOf, rowClient, worstSmoothness } from './row-clients.ts';

export const scaffold: Method = {
  masked: false,
  defaultRate: ({ system, workers, localSteps }) => 1 / (localSteps * worstSmoothness(system, workers)),
  coordinator({ start }) {
    const d = start.length;
    const x = start.slice();
    const both = new Float64Array(2 * d); // x, then the common variate
    return {
      x,
      down() {
        both.set(x);
        return both;
      },
      apply(_, ups) {
        addScaled(x, 1, meanOf(ups, 0, d));
        addScaled(both.subarray(d), 1, meanOf(ups, d, d));
      },
    };
  },
  worker({ system, workers, localSteps, eta }, index) {
    const { d } = system;
    const client = rowClient(system, workers, index);
    let own = new Float64Array(d);
    return denseWorker(d, 2, 2, (k, _, down) => {
      const x = down.slice(0, d);
      const common = down.subarray(d);
      for (let t = 0; t < localSteps; t++) {
        const g = client.gradient(x);
        for (let i = 0; i < d; i++) x[i]! -= eta(k) * (g[i]! - own[i]! + common[i]!);
      }
      const next = Float64Array.from(
        own,
        (c, i) => c - common[i]! + (down[i]! - x[i]!) / (localSteps * eta(k)),
      );
      const up = new Float64Array(2 * d);
      for (let i = 0; i < d; i++) {
        up[i] = x[i]! - down[i]!;
        up[d + i] = next[i]! - own[i]!;
      }
      own = next;
      return up;
    });
  },
};
