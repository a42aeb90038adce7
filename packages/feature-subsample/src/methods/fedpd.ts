/**
 * FedPD (Zhang et al. 2021, option I): x_ℓ ≈ argmin f_ℓ(x) + ⟨λ_ℓ, x − x̂⟩ + ‖x − x̂‖²/(2γ) by T steps, λ_ℓ += (x_ℓ − x̂)/γ,
 * and x̂ is the mean of x_ℓ + γλ_ℓ, sent every round.
 */
import { denseWorker, type Method } from './method.ts';
import { clientDescent, meanOf, rowClient, worstSmoothness } from './row-clients.ts';

export const fedPD: Method = {
  masked: false,
  defaultRate({ system, workers, proximal }) {
    const smoothness = worstSmoothness(system, workers);
    return 1 / (smoothness + (proximal || smoothness));
  },
  coordinator({ start }) {
    const x = start.slice();
    return { x, down: () => x, apply: (_, ups) => x.set(meanOf(ups)) };
  },
  worker({ system, workers, localSteps, eta, proximal }, index) {
    const { d } = system;
    const client = rowClient(system, workers, index);
    const weight = proximal || worstSmoothness(system, workers);
    const lambda = new Float64Array(d);
    return denseWorker(d, 1, 1, (k, _, mean) => {
      const x = clientDescent(client, mean, { localSteps, eta: eta(k), weight, anchor: mean, shift: lambda });
      for (let i = 0; i < d; i++) lambda[i]! += weight * (x[i]! - mean[i]!);
      return x.map((value, i) => value + lambda[i]! / weight);
    });
  },
};
