/**
 * Algorithm 4 with a control variate, beyond the paper: every R rounds the exact gradient at a snapshot x̃; in between
 * ∇L(x̃) + mean of H_M(x − x̃), whose noise vanishes with x − x̃, so that the rate is linear and there is no floor
 * (after Johnson and Zhang 2013, masks in place of rows). `recursive` estimates the change of the gradient since the
 * last round instead and adds it up (after Nguyen et al. 2017): less noise while x moves steadily.
 *
 * A snapshot goes down whole, for workers to take their differences from; its gradient is the coordinator's, who holds
 * A, and moves nothing. The same round goes one exact step before its masked one. `recursive` differs in that every
 * masked x becomes the point of reference of the next difference, so the coordinator sends the difference itself.
 */
import { maskedGradient } from '../masked-operator.ts';
import { gather, type Method } from './method.ts';
import { outerLoop } from './outer-loop.ts';

export const controlVariate: Method = {
  masked: true,
  // found by the experiment rates: below it the noise of masks of any kind stays below the signal
  defaultRate: ({ spectrum }) => 1 / spectrum().largest,
  coordinator({ system, start, snapshotEvery, variate, acceleration, learningRate, spectrum, workers }) {
    const { largest, smallest } = spectrum();
    const loop = outerLoop(acceleration, start, { eta: learningRate, smallest: smallest ?? 0, largest });
    let reference = loop.point.slice();
    let known = new Float64Array(system.d); // the gradient at the reference, exact or estimated
    return {
      x: loop.point,
      down(k, worker, mask) {
        const snapshot = k % snapshotEvery === 0;
        if (snapshot && worker === 0) {
          reference = loop.point.slice();
          known = Float64Array.from(system.gradient(reference));
          loop.step(known);
        }
        const own =
          variate === 'recursive'
            ? Float64Array.from(mask.indices, (i) => loop.point[i]! - reference[i]!)
            : gather(loop.point, mask);
        if (!snapshot) return own;
        const both = new Float64Array(system.d + own.length);
        both.set(reference);
        both.set(own, system.d);
        return both;
      },
      apply(_, ups, masks) {
        const g = known.slice();
        ups.forEach((up, worker) => masks[worker]!.indices.forEach((i, p) => (g[i]! += up[p]! / workers)));
        if (variate === 'recursive') {
          reference = loop.point.slice();
          known = g;
        }
        loop.step(g);
      },
    };
  },
  worker({ system, snapshotEvery, variate, masks: { pairFactor } }) {
    let snapshot = new Float64Array(system.d);
    return {
      downLength: (k, mask) => mask.indices.length + (k % snapshotEvery === 0 ? system.d : 0),
      upLength: (_, mask) => mask.indices.length,
      work(k, mask, down) {
        const fresh = k % snapshotEvery === 0;
        if (fresh) snapshot = down.slice(0, system.d);
        const own = fresh ? down.subarray(system.d) : down;
        const v =
          variate === 'recursive'
            ? own.slice()
            : Float64Array.from(mask.indices, (i, p) => own[p]! - snapshot[i]!);
        return maskedGradient(system, mask, v, 'deregularised', { pairFactor, homogeneous: true });
      },
    };
  },
};
