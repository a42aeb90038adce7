import {
  avgPool,
  avgPool3d,
  engine,
  getBackend,
  grad,
  maxPool,
  maxPool3d,
  memory,
  tensor4d,
  tensor5d,
  tidy,
} from '@tensorflow/tfjs';
import type { Tensor, Tensor4D, Tensor5D } from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { distinctNumbers, numericGradient, wholeNumbers } from './numeric-gradient.ts';

const cases = fc.record({
  shape: fc.tuple(
    fc.integer({ min: 1, max: 2 }),
    fc.integer({ min: 3, max: 6 }),
    fc.integer({ min: 3, max: 6 }),
    fc.integer({ min: 1, max: 3 }),
  ),
  filter: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  stride: fc.integer({ min: 1, max: 3 }),
  // The native engine refuses numeric padding by itself, and tfjs-core has it wrong for oblong windows.
  pad: fc.constantFrom('same' as const, 'valid' as const, ...(getBackend() === 'tensorflow' ? [] : [1])),
  seed: fc.nat(1000),
});

/** `step` must be small enough that no window changes its maximum. */
function expectGradient(f: (x: Tensor) => Tensor, x: Tensor, seed: number, step: number): void {
  const dy = wholeNumbers(f(x).shape, seed);
  const expected = numericGradient(f, x, dy, step);
  const dx = grad(f)(x, dy).dataSync();
  dx.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4));
}

it('the gradient of maxPool equals central differences, also where every value is negative', () => {
  fc.assert(
    fc.property(cases, fc.boolean(), ({ shape, filter, stride, pad, seed }, negative) => {
      fc.pre(typeof pad !== 'number' || (filter[0] > pad && filter[0] === filter[1]));
      tidy(() => {
        const values = distinctNumbers(shape, seed);
        const x = negative ? values.sub(values.size) : values;
        expectGradient((v) => maxPool(v as Tensor4D, filter, stride, pad), x, seed, 0.25);
      });
    }),
    { numRuns: 30 },
  );
});

it('the gradient of avgPool equals central differences, padding left out of the mean', () => {
  fc.assert(
    fc.property(cases, ({ shape, filter, stride, pad, seed }) => {
      fc.pre(typeof pad !== 'number' || (filter[0] > pad && filter[0] === filter[1]));
      tidy(() => {
        const x = wholeNumbers(shape, seed);
        expectGradient((v) => avgPool(v as Tensor4D, filter, stride, pad), x, seed, 1);
      });
    }),
    { numRuns: 30 },
  );
});

it('the first maximum of a window takes the whole gradient where values are equal', () => {
  const x = tensor4d([-1, -1, -1, -1], [1, 2, 2, 1]);
  const dx = grad((v: Tensor) => maxPool(v as Tensor4D, 2, 2, 'valid'))(x);
  expect(Array.from(dx.dataSync())).toEqual([1, 0, 0, 0]);
});

it('3-D pooling of negative values has the right maxima and gradients', () => {
  tidy(() => {
    const x = distinctNumbers([1, 3, 4, 3, 2], 5).sub(100);
    const largest = maxPool3d(x as Tensor5D, 2, 2, 'same');
    expect(Math.max(...largest.dataSync())).toBe(Math.max(...x.dataSync()));
    expectGradient((v) => maxPool3d(v as Tensor5D, 2, 2, 'same'), x, 3, 0.25);
  });
});

// TensorFlow's own kernel, like the two repaired ones, divides by the pixels inside.
it('the gradient of avgPool3d leaves the padding out of the mean', () => {
  const x = tensor5d([1, 2, 3], [1, 1, 1, 3, 1]);
  const dx = grad((v: Tensor) => avgPool3d(v as Tensor5D, [1, 1, 2], [1, 1, 2], 'same'))(x);
  expect(Array.from(dx.dataSync())).toEqual([0.5, 0.5, 1]);
});

it('a backward pass leaves no tensor and no buffer of the engine behind', () => {
  const x = wholeNumbers([2, 5, 5, 3], 1);
  const before = [memory().numTensors, engine().backend.numDataIds()];
  tidy(() => {
    grad((v: Tensor) => maxPool(v as Tensor4D, 2, 2, 'same'))(x);
    grad((v: Tensor) => avgPool(v as Tensor4D, 2, 2, 'same'))(x);
  });
  expect([memory().numTensors, engine().backend.numDataIds()]).toEqual(before);
});
