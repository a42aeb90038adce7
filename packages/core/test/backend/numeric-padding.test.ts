import { avgPool, conv2d, depthwiseConv2d, fused, getBackend, maxPool, pad, tidy } from '@tensorflow/tfjs';
import type { Tensor4D } from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wholeNumbers } from './numeric-gradient.ts';

const size = fc.integer({ min: 1, max: 3 });
const shapes = fc.record({
  height: fc.integer({ min: 3, max: 6 }),
  width: fc.integer({ min: 3, max: 6 }),
  filterHeight: size,
  filterWidth: size,
  strides: fc.tuple(size, size),
  amount: fc.integer({ min: 0, max: 3 }),
  seed: fc.nat(1000),
});

const around = (x: Tensor4D, amount: number, value = 0): Tensor4D =>
  pad(x, [[0, 0], [amount, amount], [amount, amount], [0, 0]], value); // prettier-ignore

describe('padding in one number', () => {
  it('convolves as if the image had been padded, whatever the shape of filter and stride', () => {
    fc.assert(
      fc.property(shapes, ({ height, width, filterHeight, filterWidth, strides, amount, seed }) =>
        tidy(() => {
          const x = wholeNumbers([2, height, width, 2], seed) as Tensor4D;
          const w = wholeNumbers([filterHeight, filterWidth, 2, 3], seed + 1) as Tensor4D;
          const expected = conv2d(around(x, amount), w, strides, 'valid');
          const y = conv2d(x, w, strides, amount);
          expect(y.shape).toEqual(expected.shape);
          expect(Array.from(y.dataSync())).toEqual(Array.from(expected.dataSync()));
          const both = fused.conv2d({ x, filter: w, strides, pad: amount, activation: 'relu' });
          expect(Array.from(both.dataSync())).toEqual(Array.from(expected.relu().dataSync()));
        }),
      ),
      { numRuns: 25 },
    );
  });

  it('does so channel by channel', () => {
    fc.assert(
      fc.property(shapes, ({ height, width, filterHeight, filterWidth, strides: [stride], amount, seed }) =>
        tidy(() => {
          const x = wholeNumbers([2, height, width, 2], seed) as Tensor4D;
          const w = wholeNumbers([filterHeight, filterWidth, 2, 2], seed + 1) as Tensor4D;
          const expected = depthwiseConv2d(around(x, amount), w, stride, 'valid');
          const y = depthwiseConv2d(x, w, stride, amount);
          expect(y.shape).toEqual(expected.shape);
          expect(Array.from(y.dataSync())).toEqual(Array.from(expected.dataSync()));
        }),
      ),
      { numRuns: 25 },
    );
  });

  // The binding refuses it.
  it.skipIf(getBackend() === 'tensorflow')('pools windows that are not square', () => {
    const x = wholeNumbers([1, 5, 4, 2], 3).add<Tensor4D>(5);
    const most = maxPool(x, [3, 2], [1, 2], 1);
    expect(most.shape).toEqual([1, 5, 3, 2]);
    expect(Array.from(most.dataSync())).toEqual(
      Array.from(maxPool(around(x, 1), [3, 2], [1, 2], 'valid').dataSync()),
    );
    expect(avgPool(x, [3, 2], [1, 2], 1).shape).toEqual([1, 5, 3, 2]);
  });
});
