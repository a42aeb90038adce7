/** Conjugate gradients on AᵀAx = Aᵀb: the reference in rounds and bytes. A round multiplies AᵀA with one direction. */
import { shareOf } from '@ockham/core/comm';
import { addScaled, denseWorker, type Method } from './method.ts';

export const conjugateGradients: Method = {
  masked: false,
  defaultRate: () => 1,
  coordinator({ system, start }) {
    const x = start.slice();
    const r = system.gradient(x).map((value) => -value);
    const p = r.slice();
    let rho = r.reduce((sum, value) => sum + value * value, 0);
    return {
      x,
      down: () => p,
      apply(_, ups) {
        const q = new Float64Array(system.d);
        for (const up of ups) addScaled(q, 1, up);
        const curvature = p.reduce((sum, value, i) => sum + value * q[i]!, 0);
        if (!(curvature > 0)) return; // solved
        addScaled(x, rho / curvature, p);
        addScaled(r, -rho / curvature, q);
        const next = r.reduce((sum, value) => sum + value * value, 0);
        for (let i = 0; i < p.length; i++) p[i] = r[i]! + (next / rho) * p[i]!;
        rho = next;
      },
    };
  },
  worker({ system, workers }, index) {
    const [begin, end] = shareOf(system.n, index, workers);
    return denseWorker(system.d, 1, 1, (_, __, p) => system.gradient(p, begin, end, true));
  },
};
