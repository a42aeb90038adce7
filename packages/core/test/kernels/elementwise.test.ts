import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasRelaxedSimd } from '../../src/kernels/index.ts';
import {
  adamStepTwin,
  columnSumsTwin,
  errorFunctionTwin,
  keepWithinTwin,
  normaliseTwin,
  normalSumsTwin,
  reluGradientTwin,
  rowOperationTwin,
} from '../../src/kernels/twins/elementwise.ts';
import { bench, broken, wholes } from './memory.ts';

const rowsOf = fc.oneof({ weight: 9, arbitrary: fc.nat(80) }, { weight: 1, arbitrary: fc.nat(1500) });
const columns = fc.integer({ min: 1, max: 40 });

describe.each([false, ...(hasRelaxedSimd() ? [true] : [])])('passes over tensors, relaxed %s', (relaxed) => {
  it('rows and a vector are added, subtracted, multiplied, repeated and normalised as by the twins', async () => {
    const { kernels, place, read, reset } = await bench({ relaxed });
    fc.assert(
      fc.property(fc.nat(80), columns, fc.nat(999), fc.boolean(), (rows, n, seed, whole) => {
        reset();
        const made = whole ? wholes : broken;
        const [x, v] = [made(rows * n, seed), made(n, seed + 1)];
        const [atX, atV, y] = [place(x), place(v), place(rows * n)];
        for (const kind of [0, 1, 2] as const) {
          kernels.rowOperation(kind, rows, n, atX, atV, y);
          expect(read(y, rows * n)).toEqual(rowOperationTwin(kind, x, v));
        }
        kernels.repeatRow(rows, n, atV, y);
        expect(read(y, rows * n)).toEqual(Float32Array.from({ length: rows * n }, (_, i) => v[i % n]!));
        const [factor, offset] = [wholes(n, seed + 2), wholes(n, seed + 3)];
        kernels.normalise(rows, n, atX, atV, place(factor), place(offset), y);
        expect(read(y, rows * n)).toEqual(normaliseTwin(x, v, factor, offset));
      }),
      { numRuns: 500, seed: 7 },
    );
  });

  it('the exponential is within two roundings, the error function within ten, and both are right at the ends', async () => {
    const { kernels, place, read, reset } = await bench({ relaxed });
    const steps = fc.array(fc.float({ min: -110, max: 95, noNaN: true }), { maxLength: 40 });
    fc.assert(
      fc.property(steps, (given) => {
        reset();
        const n = given.length;
        const [x, y, z] = [place(Float32Array.from(given)), place(n), place(n)];
        kernels.exponential(n, x, y);
        kernels.errorFunction(n, x, z);
        const [powers, errors] = [read(y, n), read(z, n)];
        for (const [i, value] of Float32Array.from(given).entries()) {
          const [e, f] = [Math.exp(value), errorFunctionTwin(value)];
          if (e > 1.2e-38 && e < 3.4e38) expect(Math.abs(powers[i]! - e)).toBeLessThanOrEqual(1.3e-7 * e);
          expect(Math.abs(errors[i]! - f)).toBeLessThanOrEqual(6e-7 * Math.abs(f) + 1.2e-38);
        }
      }),
      { numRuns: 1000, seed: 13 },
    );
    reset();
    const ends = [NaN, -Infinity, Infinity, 0, -105, 89];
    const [x, y] = [place(Float32Array.from(ends)), place(6)];
    kernels.exponential(6, x, y);
    expect(Array.from(read(y, 6))).toEqual([NaN, 0, Infinity, 1, 0, Infinity]);
    kernels.errorFunction(6, x, y);
    expect(Array.from(read(y, 6))).toEqual([NaN, -1, 1, 0, -1, 1]);
  });

  it('numbers are kept within a range, NaN stays', async () => {
    const { kernels, place, read, reset } = await bench({ relaxed });
    fc.assert(
      fc.property(fc.nat(200), fc.nat(999), fc.constantFrom(6, Infinity), (n, seed, high) => {
        reset();
        const x = broken(n, seed);
        const y = place(n);
        kernels.keepWithin(n, place(x), y, 0, high);
        expect(read(y, n)).toEqual(keepWithinTwin(x, 0, high));
      }),
      { numRuns: 500, seed: 12 },
    );
  });

  it('a step of Adam gives the bits of the twin, its moments in place', async () => {
    const { kernels, place, read, reset } = await bench({ relaxed });
    fc.assert(
      fc.property(fc.nat(200), fc.nat(999), fc.integer({ min: 1, max: 50 }), (n, seed, t) => {
        reset();
        const [w, m, g] = [broken(n, seed), broken(n, seed + 1), broken(n, seed + 2)];
        const v = broken(n, seed + 3).map(Math.abs);
        const scalars = Float32Array.of(0.9, 0.1, 0.999, 0.001, 1 - 0.9 ** t, 1 - 0.999 ** t, 1e-7, -0.01);
        const [atW, atM, atV, atG, to] = [place(w), place(m), place(v), place(g), place(n)];
        kernels.adamStep(n, atW, atM, atV, atG, to, place(scalars));
        const wanted = adamStepTwin(w, m, v, g, scalars);
        expect({ w: read(to, n), m: read(atM, n), v: read(atV, n) }).toEqual(wanted);
        expect(read(atW, n)).toEqual(w);
      }),
      { numRuns: 500, seed: 11 },
    );
  });

  it('the gradient of relu is let through above 0 and up to the limit', async () => {
    const { kernels, place, read, reset } = await bench({ relaxed });
    fc.assert(
      fc.property(fc.nat(200), fc.nat(999), fc.constantFrom(3, Infinity), (n, seed, high) => {
        reset();
        const [dy, x] = [broken(n, seed), broken(n, seed + 1)];
        const dx = place(n);
        kernels.reluGradient(n, place(dy), place(x), dx, high);
        expect(read(dx, n)).toEqual(reluGradientTwin(dy, x, high));
      }),
      { numRuns: 500, seed: 8 },
    );
  });

  it('sums of columns equal those in double precision, however many rows', async () => {
    const { kernels, place, read, reset } = await bench({ relaxed });
    fc.assert(
      fc.property(rowsOf, columns, fc.nat(999), fc.boolean(), (rows, n, seed, whole) => {
        reset();
        const [x, dy] = [(whole ? wholes : broken)(rows * n, seed), wholes(rows * n, seed + 1)];
        const mean = wholes(n, seed + 2);
        const [to, both, atX] = [place(n), place(2 * n), place(x)];
        kernels.columnSums(rows, n, atX, to, place(kernels.columnSumsBytes(n) / 4));
        expect(read(to, n)).toEqual(Float32Array.from(columnSumsTwin(n, x)));
        const work = place(kernels.normalSumsBytes(n) / 4);
        kernels.normalSums(rows, n, place(dy), atX, place(mean), both, work);
        expect(read(both, 2 * n)).toEqual(Float32Array.from(normalSumsTwin(dy, x, mean)));
      }),
      { numRuns: 500, seed: 5 },
    );
    reset();
    const thirds = new Float32Array(3_000_000).fill(1 / 3); // one running sum would be off by 1e-2
    const to = place(1);
    kernels.columnSums(thirds.length, 1, place(thirds), to, place(2));
    expect(read(to, 1)[0]! / (Math.fround(1 / 3) * 3_000_000)).toBeCloseTo(1, 4.5);
  });
});
