/**
 * FedDR with its proximal term kept, beyond Algorithm 5: x_ℓ ≈ argmin L̂_M(x) + ‖x − y‖²/(2γ) on the worker's entries by T
 * steps of 1/(λ + 1/γ), then y ← y + relaxation · mean over the workers that see an entry of (x_ℓ − y).
 *
 * The proximal weight 1/γ is above −λ_min of every local Hessian: ≥ (1/α² − 1/α) · max ‖a_j‖², so that the local problem
 * is convex whatever the mask, and the step is safe for any T.
 */
import { maskedGradient } from '../masked-operator.ts';
import { gather, maskedWorker, type Context, type Method } from './method.ts';

function localBounds({
  system,
  masks,
  spectrum,
  proximal,
}: Pick<Context, 'system' | 'masks' | 'spectrum' | 'proximal'>): { weight: number; curvature: number } {
  const u = 1 / masks.probabilities.reduce((least, p) => Math.min(least, p));
  const bias = Math.max(0, masks.pairFactor * u * u - u) * system.diagonal.reduce((a, b) => Math.max(a, b));
  const curvature = masks.pairFactor * u * u * spectrum().largest;
  return { weight: Math.max(proximal, 1.1 * bias, 1e-3 * curvature), curvature };
}

export const feddr: Method = {
  masked: true,
  defaultRate(context) {
    const { weight, curvature } = localBounds(context);
    return 1 / (curvature + weight);
  },
  coordinator({ start }) {
    const x = start.slice();
    return {
      x,
      down: (_, __, mask) => gather(x, mask),
      apply(_, ups, masks) {
        const seen = new Float64Array(x.length);
        const sum = new Float64Array(x.length);
        ups.forEach((up, worker) =>
          masks[worker]!.indices.forEach((i, p) => {
            seen[i]! += 1;
            sum[i]! += up[p]!;
          }),
        );
        for (let i = 0; i < x.length; i++) if (seen[i]! > 0) x[i]! += sum[i]! / seen[i]! - x[i]!;
      },
    };
  },
  worker(context) {
    const { system, localSteps, masks, eta } = context;
    const { weight } = localBounds(context);
    return maskedWorker((k, mask, y) => {
      let v = y;
      for (let t = 0; t < localSteps; t++) {
        const g = maskedGradient(system, mask, v, 'deregularised', { pairFactor: masks.pairFactor });
        v = v.map((value, p) => value - eta(k) * (g[p]! + weight * (value - y[p]!)));
      }
      return v;
    });
  },
};
