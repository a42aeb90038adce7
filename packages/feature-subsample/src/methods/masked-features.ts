/**
 * Algorithm 3: each worker descends on ½‖AMx − b‖² for T steps, and the mean of what they end at is taken.
 * The steps are those of Section 4.
 *
 * Deviations: a worker answers with the change of its own entries, as all others are as before; the default step is
 * 1/σ² (α²/σ² for masks scaled by 1/α), not 1/σ.
 */
import { maskedGradient, maskedLoss } from '../masked-operator.ts';
import { localDescent } from '../step-schemes.ts';
import { gather, maskedWorker, type Method } from './method.ts';

export const maskedFeatures: Method = {
  masked: true,
  defaultRate: ({ spectrum, form, scaled, alpha }) => {
    const { largest } = spectrum();
    return (
      (scaled && form === 'intended' ? alpha ** 2 : 1) / (form === 'printed' ? Math.sqrt(largest) : largest)
    );
  },
  coordinator({ start, workers }) {
    const x = start.slice();
    return {
      x,
      down: (_, __, mask) => gather(x, mask),
      apply(_, ups, masks) {
        ups.forEach((up, worker) => masks[worker]!.indices.forEach((i, p) => (x[i]! += up[p]! / workers)));
      },
    };
  },
  worker({ system, localSteps, steps, alpha, form, scaled, eta }) {
    const kind = scaled ? 'scaled' : 'plain';
    return maskedWorker((k, mask, down) => {
      const problem = {
        gradient: (v: Float64Array) => maskedGradient(system, mask, v, kind),
        loss: (v: Float64Array) => maskedLoss(system, mask, v, kind),
        curvature(g: Float64Array) {
          const x = new Float64Array(system.d);
          mask.indices.forEach((i, p) => (x[i] = (scaled ? mask.weights[p]! : 1) * g[p]!));
          return system.times(x).reduce((sum, value) => sum + value * value, 0);
        },
      };
      const end = localDescent(problem, down, {
        scheme: steps,
        localSteps,
        eta: eta(k),
        alpha,
        printed: form === 'printed',
      });
      return end.map((value, p) => value - down[p]!);
    });
  },
};
