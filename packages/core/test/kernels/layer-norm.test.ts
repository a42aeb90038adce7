import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasRelaxedSimd } from '../../src/kernels/index.ts';
import { layerNormGradientTwin, layerNormTwin } from '../../src/kernels/twins/layer-norm.ts';
import { bench, broken, wholes } from './memory.ts';

/** How far `value` is from what it should be, in parts of the largest of `wanted`; NaN where only one is NaN. */
function apart(values: Float32Array, wanted: readonly number[]): number {
  const scale = Math.max(1, ...wanted.filter(Number.isFinite).map(Math.abs));
  expect(values.length).toBe(wanted.length);
  const gaps = Array.from(values, (value, i) => {
    if (Number.isNaN(value) && Number.isNaN(wanted[i])) return 0;
    return Math.abs(value - wanted[i]!) / scale;
  });
  return gaps.reduce((most, gap) => (gap <= most ? most : gap), 0);
}

describe.each([false, ...(hasRelaxedSimd() ? [true] : [])])('layer normalisation, relaxed %s', (relaxed) => {
  it('and its gradient equal their twins for every size, rows of one value among them', async () => {
    const { kernels, place, read, reset } = await bench({ relaxed });
    fc.assert(
      fc.property(
        ...([
          fc.oneof({ weight: 20, arbitrary: fc.nat(12) }, { weight: 1, arbitrary: fc.nat(150) }),
          fc.integer({ min: 1, max: 40 }),
          fc.nat(999),
        ] as const),
        fc.constantFrom(1e-3, 1),
        (rows, n, seed, epsilon) => {
          reset();
          const [x, dy] = [wholes(rows * n, seed), wholes(rows * n, seed + 1)];
          const [gamma, beta] = [wholes(n, seed + 2), wholes(n, seed + 3)];
          const [atX, atDy, atGamma] = [place(x), place(dy), place(gamma)];
          const [y, dx, sums] = [place(rows * n), place(rows * n), place(2 * n)];
          kernels.layerNorm(rows, n, atX, atGamma, place(beta), epsilon, y);
          expect(apart(read(y, rows * n), layerNormTwin(x, gamma, beta, epsilon))).toBeLessThan(1e-5);
          const work = place(kernels.layerNormGradientBytes(n) / 4);
          kernels.layerNormGradient(rows, n, atDy, atX, atGamma, epsilon, dx, sums, work);
          const wanted = layerNormGradientTwin(dy, x, gamma, epsilon);
          expect(apart(read(dx, rows * n), wanted.dx)).toBeLessThan(1e-5);
          expect(apart(read(sums, 2 * n), wanted.sums)).toBeLessThan(1e-5);
        },
      ),
      { numRuns: 600, seed: 3 },
    );
  });

  it('keeps NaN and infinity within their row', async () => {
    const { kernels, place, read, reset } = await bench({ relaxed });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 40 }),
        fc.nat(999),
        (rows, n, seed) => {
          reset();
          const x = broken(rows * n, seed);
          const ones = new Float32Array(n).fill(1);
          const y = place(rows * n);
          kernels.layerNorm(rows, n, place(x), place(ones), place(new Float32Array(n)), 1e-3, y);
          const bad = Math.floor((seed % (rows * n)) / n);
          const whole = Array.from({ length: rows }, (_, r) =>
            read(y + 4 * r * n, n).every((v) => !Number.isFinite(v)),
          );
          expect(whole).toEqual(Array.from({ length: rows }, (_, r) => r === bad));
        },
      ),
      { numRuns: 200, seed: 4 },
    );
  });
});
