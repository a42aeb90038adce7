import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasRelaxedSimd, type Conv2dGeometry } from '../../src/kernels/index.ts';
import { averagePoolGradientTwin, maxPoolGradientTwin, maxPoolTwin } from '../../src/kernels/twins/pool2d.ts';
import { geometries, placed } from './geometries.ts';
import { bench, broken, wholes } from './memory.ts';

const windows = fc.oneof(
  geometries.map((g) => ({ ...g, dilationHeight: 1, dilationWidth: 1 })),
  // 2 × 2 by 2 is the way of most networks, and has a kernel of its own
  geometries
    .filter(({ height, width }) => height > 1 && width > 1)
    .map((g) => ({ ...g, ...halves, outHeight: g.height >> 1, outWidth: g.width >> 1 })),
);
const halves = { filterHeight: 2, filterWidth: 2, strideHeight: 2, strideWidth: 2, top: 0, left: 0 };
const isHalved = (g: Conv2dGeometry): boolean =>
  Object.entries(halves).every(([name, size]) => g[name as keyof Conv2dGeometry] === size) &&
  2 * g.outHeight <= g.height &&
  2 * g.outWidth <= g.width;

describe.each([false, ...(hasRelaxedSimd() ? [true] : [])])('pooling, relaxed %s', (relaxed) => {
  it('the maxima and both gradients equal their twins, ties, negative maxima and NaN included', async () => {
    const b = await bench({ relaxed });
    const { kernels, place, read, reset } = b;
    fc.assert(
      fc.property(windows, fc.nat(1000), fc.boolean(), (g, seed, whole) => {
        reset();
        const size = g.batch * g.height * g.width * g.channels;
        const outSize = g.batch * g.outHeight * g.outWidth * g.channels;
        const x = (whole ? wholes : broken)(size, seed).map((v) => v - 3); // −7 … 1, with many ties
        const dy = wholes(outSize, seed + 1);
        const geometry = placed(b, g);
        const [dx, mean, y] = [place(size), place(size), place(outSize)];
        const [atX, atDy] = [place(x), place(dy)];
        kernels.maxPoolGradient(geometry, atDy, atX, dx);
        expect(read(dx, size)).toEqual(Float32Array.from(maxPoolGradientTwin(g, dy, x)));
        kernels.averagePoolGradient(geometry, atDy, mean);
        const expected = averagePoolGradientTwin(g, dy);
        const errors = read(mean, size).map((value, i) => Math.abs(value - expected[i]!));
        expect(errors.every((error) => error < 1e-5)).toBe(true);
        if (!isHalved(g)) return;
        kernels.maxPoolHalves(geometry, atX, y);
        expect(read(y, outSize)).toEqual(Float32Array.from(maxPoolTwin(g, x)));
      }),
      { numRuns: 1000, seed: 4 },
    );
  });
});
