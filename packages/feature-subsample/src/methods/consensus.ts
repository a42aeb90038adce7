/**
 * Algorithm 5: T deregularised steps at each worker, then the reflected mean of FedDR,
 * x ← (cI + ΣM)⁻¹((cI − ΣM)x + 2Σx_T) with c = 1/(αβ²).
 *
 * Deviations: L throughout, where p and L are mixed; the default step is α²/(2σ²), not 1/(2σ), as the local Hessian
 * carries 1/α². As printed it has no proximal term, see feddr.ts.
 */
import { maskedGradient } from '../masked-operator.ts';
import { gather, maskedWorker, type Method } from './method.ts';

export const consensus: Method = {
  masked: true,
  defaultRate: ({ spectrum, form, alpha }) => {
    const { largest } = spectrum();
    return form === 'printed' ? 1 / (2 * Math.sqrt(largest)) : alpha ** 2 / (2 * largest);
  },
  coordinator({ start, alpha, drift }) {
    const x = start.slice();
    const c = 1 / (alpha * drift ** 2);
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
        for (let i = 0; i < x.length; i++) x[i] = ((c - seen[i]!) * x[i]! + 2 * sum[i]!) / (c + seen[i]!);
      },
    };
  },
  worker: ({ system, localSteps, masks: { pairFactor }, eta }) =>
    maskedWorker((k, mask, down) => {
      let v = down;
      for (let t = 0; t < localSteps; t++) {
        const g = maskedGradient(system, mask, v, 'deregularised', { pairFactor });
        v = v.map((value, p) => value - eta(k) * g[p]!);
      }
      return v;
    }),
};
