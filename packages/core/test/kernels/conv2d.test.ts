import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  GEOMETRY_BYTES,
  hasRelaxedSimd,
  writeGeometry,
  type Conv2dGeometry,
} from '../../src/kernels/index.ts';
import { convolveTwin, filterGradientTwin, inputGradientTwin } from '../../src/kernels/twins/conv2d.ts';
import { maxPoolGradientTwin } from '../../src/kernels/twins/pool2d.ts';
import { bench, wholes } from './memory.ts';

const small = (min: number, max: number) => fc.integer({ min, max });
const geometries = fc
  .record({
    ...{ batch: small(1, 3), height: small(1, 12), width: small(1, 12) },
    channels: fc.oneof(small(1, 9), fc.constantFrom(16, 20, 24)),
    outChannels: fc.oneof(small(1, 9), fc.constantFrom(16, 100)),
    ...{
      filterHeight: small(1, 4),
      filterWidth: small(1, 4),
      strideHeight: small(1, 3),
      strideWidth: small(1, 3),
    },
    ...{ dilationHeight: small(1, 2), dilationWidth: small(1, 2), top: small(0, 3), left: small(0, 3) },
    ...{ bottom: small(0, 3), right: small(0, 3) },
  })
  .map(({ bottom, right, ...g }): Conv2dGeometry => {
    const out = (size: number, filter: number, dilation: number, stride: number) =>
      Math.floor((size - ((filter - 1) * dilation + 1)) / stride) + 1;
    return {
      ...g,
      outHeight: out(g.height + g.top + bottom, g.filterHeight, g.dilationHeight, g.strideHeight),
      outWidth: out(g.width + g.left + right, g.filterWidth, g.dilationWidth, g.strideWidth),
    };
  })
  .filter(({ outHeight, outWidth }) => outHeight > 0 && outWidth > 0);

describe.each([false, ...(hasRelaxedSimd() ? [true] : [])])(
  'convolution and pooling, relaxed %s',
  (relaxed) => {
    it('convolution and its gradients equal their twins for every size, stride, dilation and padding', async () => {
      const { kernels, memory, place, read, reset } = await bench({ relaxed });
      fc.assert(
        fc.property(geometries, fc.nat(1000), (g, seed) => {
          reset();
          const sizes = {
            x: g.batch * g.height * g.width * g.channels,
            y: g.batch * g.outHeight * g.outWidth * g.outChannels,
            w: g.filterHeight * g.filterWidth * g.channels * g.outChannels,
          };
          const [x, dy, w] = [wholes(sizes.x, seed), wholes(sizes.y, seed + 1), wholes(sizes.w, seed + 2)];
          const geometry = place(GEOMETRY_BYTES / 4);
          writeGeometry(memory, geometry, g);
          const [dx, dw] = [place(sizes.x), place(sizes.w)];
          const [atX, atY, atW] = [place(x), place(dy), place(w)];
          const y = place(sizes.y);
          const bytes = ['convolveBytes', 'filterGradientBytes', 'inputGradientBytes'] as const;
          const work = place(Math.max(...bytes.map((name) => kernels[name](geometry))) / 4);
          kernels.convolve(geometry, atX, atW, y, work);
          expect(read(y, sizes.y)).toEqual(Float32Array.from(convolveTwin(g, x, w)));
          kernels.filterGradient(geometry, atX, atY, dw, work);
          expect(read(dw, sizes.w)).toEqual(Float32Array.from(filterGradientTwin(g, x, dy)));
          kernels.inputGradient(geometry, atY, atW, dx, work);
          expect(read(dx, sizes.x)).toEqual(Float32Array.from(inputGradientTwin(g, dy, w)));
        }),
        { numRuns: 500, seed: 2 },
      );
    });

    it('the gradient of max pooling equals its twin, ties and negative maxima included', async () => {
      const { kernels, memory, place, read, reset } = await bench({ relaxed });
      fc.assert(
        fc.property(geometries, fc.nat(1000), (given, seed) => {
          const g = { ...given, dilationHeight: 1, dilationWidth: 1 };
          reset();
          const size = g.batch * g.height * g.width * g.channels;
          const x = wholes(size, seed).map((v) => v - 3); // −7 … 1, with many ties
          const dy = wholes(g.batch * g.outHeight * g.outWidth * g.channels, seed + 1);
          const geometry = place(GEOMETRY_BYTES / 4);
          writeGeometry(memory, geometry, g);
          const dx = place(size);
          kernels.maxPoolGradient(geometry, place(dy), place(x), dx);
          expect(read(dx, size)).toEqual(Float32Array.from(maxPoolGradientTwin(g, dy, x)));
        }),
        { numRuns: 500, seed: 4 },
      );
    });

    it('a bias is added and the result kept in a range, NaN let through', async () => {
      const { kernels, place, read } = await bench({ relaxed });
      const rows = Float32Array.of(-3, 2, 9, 4, NaN, 1, -1, 0, 5, 7);
      const y = place(rows);
      kernels.finish(2, 5, y, place(Float32Array.of(1, 0, 0, -5, 0)), 0, 6);
      expect([...read(y, 10)]).toEqual([0, 2, 6, 0, NaN, 2, 0, 0, 0, 6]);
      const plain = place(rows);
      kernels.finish(2, 5, plain, 0, -Infinity, Infinity);
      expect(read(plain, 10)).toEqual(rows);
    });

    it('column sums equal those in double precision, however many rows', async () => {
      const { kernels, place, read, reset } = await bench({ relaxed });
      fc.assert(
        fc.property(
          fc.integer({ min: 0, max: 1500 }),
          fc.integer({ min: 1, max: 40 }),
          fc.nat(),
          (rows, n, seed) => {
            reset();
            const x = wholes(rows * n, seed);
            const sums = new Float64Array(n);
            for (const [i, value] of x.entries()) sums[i % n]! += value;
            const to = place(n);
            kernels.columnSums(rows, n, place(x), to, place(kernels.columnSumsBytes(n) / 4));
            expect(read(to, n)).toEqual(Float32Array.from(sums));
          },
        ),
        { numRuns: 200, seed: 5 },
      );
      reset();
      const thirds = new Float32Array(3_000_000).fill(1 / 3); // one running sum would be off by 1e-2
      const to = place(1);
      kernels.columnSums(thirds.length, 1, place(thirds), to, place(2));
      expect(read(to, 1)[0]! / (Math.fround(1 / 3) * 3_000_000)).toBeCloseTo(1, 4.5);
    });
  },
);
