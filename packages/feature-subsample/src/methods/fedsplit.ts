/**
 * FedSplit (Pathak and Wainwright 2020), Peaceman and Rachford's splitting: x_ℓ ≈ prox_{γf_ℓ}(2x̂ − z_ℓ) by T steps,
 * z_ℓ += 2(x_ℓ − x̂), and x̂ is the mean of z_ℓ.
 */
import { addScaled, denseWorker, type Method } from './method.ts';
import { clientDescent, meanOf, rowClient, worstSmoothness } from './row-clients.ts';

export const fedSplit: Method = {
  masked: false,
  defaultRate({ system, workers, proximal }) {
    const smoothness = worstSmoothness(system, workers);
    return 1 / (smoothness + (proximal || 0.1 * smoothness));
  },
  coordinator({ start }) {
    const x = start.slice();
    return { x, down: () => x, apply: (_, ups) => x.set(meanOf(ups)) };
  },
  worker({ system, workers, localSteps, eta, proximal, start }, index) {
    const client = rowClient(system, workers, index);
    const weight = proximal || 0.1 * worstSmoothness(system, workers);
    const z = start.slice();
    return denseWorker(system.d, 1, 1, (k, _, mean) => {
      const anchor = mean.map((value, i) => 2 * value - z[i]!);
      const x = clientDescent(client, mean, { localSteps, eta: eta(k), weight, anchor });
      addScaled(
        z,
        2,
        x.map((value, i) => value - mean[i]!),
      );
      return z;
    });
  },
};
