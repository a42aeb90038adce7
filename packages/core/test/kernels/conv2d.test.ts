import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasRelaxedSimd, type Conv2dGeometry } from '../../src/kernels/index.ts';
import { convolveTwin, filterGradientTwin, inputGradientTwin } from '../../src/kernels/twins/conv2d.ts';
import { geometries, placed, sizesOf } from './geometries.ts';
import { bench, broken, wholes, type Bench } from './memory.ts';

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

describe.each([false, ...(hasRelaxedSimd() ? [true] : [])])('convolution, relaxed %s', (relaxed) => {
  it('and its gradients equal their twins for every size, stride, dilation and padding', async () => {
    const b = await bench({ relaxed });
    fc.assert(
      fc.property(geometries, fc.nat(1000), (g, seed) => {
        const sizes = sizesOf(g);
        const [x, dy, w] = [wholes(sizes.x, seed), wholes(sizes.y, seed + 1), wholes(sizes.w, seed + 2)];
        const results = run(b, g, { x, dy, w });
        expect(results.dy).toEqual(Float32Array.from(convolveTwin(g, x, w)));
        expect(results.w).toEqual(Float32Array.from(filterGradientTwin(g, x, dy)));
        expect(results.x).toEqual(Float32Array.from(inputGradientTwin(g, dy, w)));
      }),
      { numRuns: 500, seed: 2 },
    );
  });

  it('lets NaN and infinity through to whatever depends on them, and to nothing else', async () => {
    const b = await bench({ relaxed });
    fc.assert(
      fc.property(geometries, fc.nat(1000), (g, seed) => {
        const sizes = sizesOf(g);
        const [x, dy, w] = [wholes(sizes.x, seed), wholes(sizes.y, seed + 1), wholes(sizes.w, seed + 2)];
        const [brokenX, brokenDy] = [broken(sizes.x, seed), broken(sizes.y, seed + 1)];
        const ofX = run(b, g, { x: brokenX, dy, w });
        expect(ofX.dy).toEqual(Float32Array.from(convolveTwin(g, brokenX, w)));
        expect(ofX.w).toEqual(Float32Array.from(filterGradientTwin(g, brokenX, dy)));
        const ofDy = run(b, g, { x, dy: brokenDy, w });
        expect(ofDy.x).toEqual(Float32Array.from(inputGradientTwin(g, brokenDy, w)));
      }),
      { numRuns: 100, seed: 3 },
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
