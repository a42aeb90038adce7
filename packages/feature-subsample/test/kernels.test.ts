import fc from 'fast-check';
import { linearSystem } from '@ockham/feature-subsample';
import { expect, it } from 'vitest';

it('the SIMD kernels give the bits of their twins for any shape and range of rows', () => {
  const numbers = fc.double({ min: -1e3, max: 1e3, noNaN: true }).map((v) => v + 0.1);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 11 }),
      fc.integer({ min: 1, max: 9 }),
      fc.infiniteStream(numbers),
      fc.nat(10),
      (n, d, stream, cut) => {
        const draw = (count: number): number[] => [...stream.take(count)];
        const A = { rows: n, columns: d, values: Float64Array.from(draw(n * d)) };
        const b = draw(n);
        const x = Float64Array.from(draw(d));
        const fast = linearSystem(A, b);
        const plain = linearSystem(A, b, { engine: 'plain' });
        expect(fast.times(x)).toEqual(plain.times(x));
        const begin = cut % n;
        expect(fast.gradient(x, begin)).toEqual(plain.gradient(x, begin));
        expect(fast.gradient(x, 0, n, true)).toEqual(plain.gradient(x, 0, n, true));
        for (const system of [fast, plain]) {
          expect(system.residualAndGradient(x)).toEqual({
            residual: system.times(x).map((value, i) => value - b[i]!),
            gradient: system.gradient(x),
          });
          expect(system.gradientAtZero()).toEqual(system.gradient(new Float64Array(d)));
        }
        x.fill(0);
      },
    ),
    { numRuns: 100 },
  );
});

it('A x and Aᵀ(A x − b) by hand', () => {
  const system = linearSystem(
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
    [1, 1],
  );
  const x = Float64Array.of(1, 0, -1);
  expect([...system.times(x)]).toEqual([-2, -2]);
  expect([...system.gradient(x)]).toEqual([-15, -21, -27]);
});
