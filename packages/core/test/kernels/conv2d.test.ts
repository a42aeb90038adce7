import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTiled } from '../../src/kernels/conv2d-geometry.ts';
import { hasRelaxedSimd, type Conv2dGeometry } from '../../src/kernels/index.ts';
import { convolveTwin, filterGradientTwin, inputGradientTwin } from '../../src/kernels/twins/conv2d.ts';
import { geometries, placed, sizesOf, square, tiledGeometries } from './geometries.ts';
import { bench, broken, wholes, type Bench } from './memory.ts';
import { uneven } from './team-bench.ts';

const either = fc.oneof(geometries, tiledGeometries);

type Operands = Record<'x' | 'dy' | 'w', Float32Array>;

/** The three kernels on the same operands. */
function run(b: Bench, g: Conv2dGeometry, { x, dy, w }: Operands): Operands {
  const { kernels, place, read } = b;
  b.reset();
  const sizes = sizesOf(g);
  const geometry = placed(b, g);
  const [y, dx, dw] = [place(sizes.y), place(sizes.x), place(sizes.w)];
  const [atX, atY, atW] = [place(x), place(dy), place(w)];
  const bytes = ['convolveBytes', 'filterGradientBytes', 'inputGradientBytes'] as const;
  const work = place(Math.max(...bytes.map((name) => kernels[name](geometry))) / 4);
  kernels.convolve(geometry, atX, atW, y, work);
  kernels.filterGradient(geometry, atX, atY, dw, work);
  kernels.inputGradient(geometry, atY, atW, dx, work);
  return { x: read(dx, sizes.x), dy: read(y, sizes.y), w: read(dw, sizes.w) };
}

it('tiles are used where they are many: by batches of images, by large ones, not by one of 7 × 7 alone', () => {
  const chosen = [square(128, 13, 32, 0), square(64, 32, 16, 1), square(1, 28, 64, 1), square(6, 7, 128, 1)];
  expect(chosen.map(isTiled)).toEqual([true, true, true, true]);
  const [one, few, odd] = [square(1, 7, 128, 1), square(64, 32, 4, 1), square(64, 32, 18, 1)];
  const wide = square(8, 4, 512, 1);
  const others = [{ strideWidth: 2 }, { dilationHeight: 2 }, { filterWidth: 4 }].map((change) => {
    return { ...square(64, 32, 16, 1), ...change };
  });
  expect([one, few, odd, wide, ...others].some(isTiled)).toBe(false);
});

describe.each([false, ...(hasRelaxedSimd() ? [true] : [])])('convolution, relaxed %s', (relaxed) => {
  it('and its gradients equal their twins for every size, stride, dilation and padding', async () => {
    const b = await bench({ relaxed });
    fc.assert(
      fc.property(either, fc.nat(1000), (g, seed) => {
        const sizes = sizesOf(g);
        const [x, dy, w] = [wholes(sizes.x, seed), wholes(sizes.y, seed + 1), wholes(sizes.w, seed + 2)];
        const results = run(b, g, { x, dy, w });
        expect(results.dy).toEqual(Float32Array.from(convolveTwin(g, x, w)));
        expect(results.w).toEqual(Float32Array.from(filterGradientTwin(g, x, dy)));
        expect(results.x).toEqual(Float32Array.from(inputGradientTwin(g, dy, w)));
      }),
      { numRuns: 800, seed: 2 },
    );
  });

  it('lets NaN and infinity through to whatever depends on them, and to nothing else', async () => {
    const b = await bench({ relaxed });
    fc.assert(
      fc.property(either, fc.nat(1000), (g, seed) => {
        const sizes = sizesOf(g);
        const [x, dy, w] = [wholes(sizes.x, seed), wholes(sizes.y, seed + 1), wholes(sizes.w, seed + 2)];
        const [brokenX, brokenDy] = [broken(sizes.x, seed), broken(sizes.y, seed + 1)];
        const ofX = run(b, g, { x: brokenX, dy, w });
        expect(ofX.dy).toEqual(Float32Array.from(convolveTwin(g, brokenX, w)));
        expect(ofX.w).toEqual(Float32Array.from(filterGradientTwin(g, brokenX, dy)));
        const ofDy = run(b, g, { x, dy: brokenDy, w });
        expect(ofDy.x).toEqual(Float32Array.from(inputGradientTwin(g, brokenDy, w)));
      }),
      { numRuns: 200, seed: 3 },
    );
  });

  it('and its gradients by tiles are within 3e-6 of the sum of what is added, its signs left out', async () => {
    const b = await bench({ relaxed });
    const absolute = (values: Float32Array) => values.map(Math.abs);
    for (const [seed, g] of [square(2, 13, 32, 0), square(2, 8, 64, 1), square(6, 7, 16, 2)].entries()) {
      const sizes = sizesOf(g);
      const [x, dy, w] = [uneven(sizes.x, seed), uneven(sizes.y, seed + 10), uneven(sizes.w, seed + 20)];
      const results = run(b, { ...g, tiled: true }, { x, dy, w });
      const [ax, ady, aw] = [absolute(x), absolute(dy), absolute(w)];
      const error = (result: Float32Array, exact: Float64Array, scale: Float64Array) =>
        Math.max(...exact.map((value, i) => Math.abs(result[i]! - value) / scale[i]!));
      const errors = [
        error(results.dy, convolveTwin(g, x, w), convolveTwin(g, ax, aw)),
        error(results.w, filterGradientTwin(g, x, dy), filterGradientTwin(g, ax, ady)),
        error(results.x, inputGradientTwin(g, dy, w), inputGradientTwin(g, ady, aw)),
      ];
      expect(Math.max(...errors)).toBeLessThan(3e-6);
      expect(Math.max(...errors)).toBeGreaterThan(0);
    }
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

  it('a bias and a range for every number of rows and columns', async () => {
    const { kernels, place, read, reset } = await bench({ relaxed });
    const size = fc.nat(40);
    fc.assert(
      fc.property(size, size, fc.nat(1000), (rows, n, seed) => {
        reset();
        const [values, bias] = [wholes(rows * n, seed), wholes(n, seed + 1)];
        const y = place(values);
        kernels.finish(rows, n, y, place(bias), -2, 3);
        const expected = values.map((value, i) => Math.min(Math.max(value + bias[i % n]!, -2), 3));
        expect(read(y, rows * n)).toEqual(expected);
      }),
      { numRuns: 500, seed: 5 },
    );
  });
});
