import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasRelaxedSimd, type Conv2dGeometry } from '../../src/kernels/index.ts';
import {
  depthwiseFilterGradientTwin,
  depthwiseInputGradientTwin,
} from '../../src/kernels/twins/depthwise.ts';
import { geometries, placed } from './geometries.ts';
import { bench, broken, wholes } from './memory.ts';

const depthwise = fc
  .tuple(geometries, fc.constantFrom(1, 1, 2, 3))
  .map(([g, multiplier]): Conv2dGeometry => ({ ...g, outChannels: g.channels * multiplier }));

describe.each([false, ...(hasRelaxedSimd() ? [true] : [])])(
  'depthwise convolution, relaxed %s',
  (relaxed) => {
    it('has the gradients of its twins for every size, stride, dilation, padding and multiplier, NaN let through', async () => {
      const b = await bench({ relaxed });
      const { kernels, place, read, reset } = b;
      fc.assert(
        fc.property(depthwise, fc.nat(1000), fc.boolean(), (g, seed, whole) => {
          reset();
          const sizes = {
            x: g.batch * g.height * g.width * g.channels,
            w: g.filterHeight * g.filterWidth * g.outChannels,
          };
          const x = (whole ? wholes : broken)(sizes.x, seed);
          const dy = (whole ? wholes : broken)(g.batch * g.outHeight * g.outWidth * g.outChannels, seed + 1);
          const w = wholes(sizes.w, seed + 2);
          const geometry = placed(b, g);
          const [dx, dw] = [place(sizes.x), place(sizes.w)];
          const [atX, atDy, atW] = [place(x), place(dy), place(w)];
          kernels.depthwiseInputGradient(geometry, atDy, atW, dx);
          expect(read(dx, sizes.x)).toEqual(Float32Array.from(depthwiseInputGradientTwin(g, dy, w)));
          const work = place(kernels.depthwiseFilterGradientBytes(geometry) / 4);
          kernels.depthwiseFilterGradient(geometry, atX, atDy, dw, work);
          expect(read(dw, sizes.w)).toEqual(Float32Array.from(depthwiseFilterGradientTwin(g, x, dy)));
        }),
        { numRuns: 500, seed: 6 },
      );
    });
  },
);
