import { conv2d, depthwiseConv2d, engine, getBackend, grads, memory, tensor4d, tidy } from '@tensorflow/tfjs';
import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { numericGradient, wholeNumbers } from './numeric-gradient.ts';

const size = fc.integer({ min: 1, max: 3 });
const shapes = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  height: fc.integer({ min: 3, max: 5 }),
  width: fc.integer({ min: 3, max: 5 }),
  channels: size,
  filters: size,
  filterHeight: size,
  filterWidth: size,
  seed: fc.nat(1000),
});

const paddings = ['same', 'valid', 0, 1, 2] as const;

function expectExactGradients(f: (x: Tensor, w: Tensor) => Tensor, x: Tensor, w: Tensor, seed: number): void {
  tidy(() => {
    const y = f(x, w);
    const dy = wholeNumbers(y.shape, seed);
    const [dx, dw] = grads(f)([x, w], dy) as [Tensor, Tensor];
    expect(dx.shape).toEqual(x.shape);
    expect(dw.shape).toEqual(w.shape);
    expect(Array.from(dx.dataSync())).toEqual(
      Array.from(
        numericGradient((v) => f(v, w), x, dy, 1),
        plainZero,
      ),
    );
    expect(Array.from(dw.dataSync())).toEqual(
      Array.from(
        numericGradient((v) => f(x, v), w, dy, 1),
        plainZero,
      ),
    );
  });
}

const plainZero = (value: number): number => (value === 0 ? 0 : value);

it('the gradients of conv2d equal central differences at any stride and padding', () => {
  const strides = fc.tuple(size, size);
  fc.assert(
    fc.property(shapes, strides, fc.constantFrom(...paddings), (s, stride, pad) => {
      tidy(() => {
        const x = wholeNumbers([s.batch, s.height, s.width, s.channels], s.seed);
        const w = wholeNumbers([s.filterHeight, s.filterWidth, s.channels, s.filters], s.seed + 1);
        expectExactGradients((a, b) => conv2d(a as Tensor4D, b as Tensor4D, stride, pad), x, w, s.seed + 2);
      });
    }),
    { numRuns: 25 },
  );
});

it('the gradients of a dilated conv2d equal central differences', () => {
  const dilations = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 2, max: 3 }));
  fc.assert(
    fc.property(shapes, dilations, fc.constantFrom('same' as const, 'valid' as const), (s, dilation, pad) => {
      const reach = [(s.filterHeight - 1) * dilation[0], (s.filterWidth - 1) * dilation[1]] as const;
      fc.pre(pad === 'same' || (reach[0] < s.height && reach[1] < s.width));
      tidy(() => {
        const x = wholeNumbers([s.batch, s.height, s.width, s.channels], s.seed);
        const w = wholeNumbers([s.filterHeight, s.filterWidth, s.channels, s.filters], s.seed + 1);
        const f = (a: Tensor, b: Tensor): Tensor =>
          conv2d(a as Tensor4D, b as Tensor4D, 1, pad, 'NHWC', dilation);
        expectExactGradients(f, x, w, s.seed + 2);
      });
    }),
    { numRuns: 25 },
  );
});

it('the gradients of depthwiseConv2d equal central differences at any stride and padding', () => {
  fc.assert(
    fc.property(shapes, size, fc.constantFrom('same' as const, 'valid' as const, 1), (s, stride, pad) => {
      tidy(() => {
        const x = wholeNumbers([s.batch, s.height, s.width, s.channels], s.seed);
        const w = wholeNumbers([s.filterHeight, s.filterWidth, s.channels, s.filters], s.seed + 1);
        const f = (a: Tensor, b: Tensor): Tensor =>
          depthwiseConv2d(a as Tensor4D, b as Tensor4D, stride, pad);
        expectExactGradients(f, x, w, s.seed + 2);
      });
    }),
    { numRuns: 25 },
  );
});

// The other engines refuse it.
it.runIf(getBackend() === 'wasm')(
  'the gradients of a dilated depthwiseConv2d equal central differences',
  () => {
    const dilation = fc.integer({ min: 2, max: 3 });
    fc.assert(
      fc.property(shapes, dilation, fc.constantFrom('same' as const, 'valid' as const), (s, d, pad) => {
        fc.pre(pad === 'same' || ((s.filterHeight - 1) * d < s.height && (s.filterWidth - 1) * d < s.width));
        tidy(() => {
          const x = wholeNumbers([s.batch, s.height, s.width, s.channels], s.seed);
          const w = wholeNumbers([s.filterHeight, s.filterWidth, s.channels, s.filters], s.seed + 1);
          const f = (a: Tensor, b: Tensor): Tensor =>
            depthwiseConv2d(a as Tensor4D, b as Tensor4D, 1, pad, 'NHWC', d);
          expectExactGradients(f, x, w, s.seed + 2);
        });
      }),
      { numRuns: 25 },
    );
  },
);

it('rows that a stride leaves unused get a zero gradient', () => {
  const x = tensor4d([1, 2, 3, 4], [1, 4, 1, 1]);
  const w = tensor4d([5], [1, 1, 1, 1]);
  const dy = tensor4d([1], [1, 1, 1, 1]);
  const [dx, dw] = grads((a, b) => conv2d(a as Tensor4D, b as Tensor4D, [4, 1], 'valid'))([x, w], dy);
  expect(Array.from(dx!.dataSync())).toEqual([5, 0, 0, 0]);
  expect(Array.from(dw!.dataSync())).toEqual([1]);
});

it('a backward pass leaves no tensor and no buffer of the engine behind', () => {
  const x = wholeNumbers([2, 6, 5, 3], 1) as Tensor4D;
  const w = wholeNumbers([3, 2, 3, 4], 2) as Tensor4D;
  const before = [memory().numTensors, engine().backend.numDataIds()];
  tidy(() => {
    const f = (a: Tensor, b: Tensor): Tensor => conv2d(a as Tensor4D, b as Tensor4D, 2, 'same');
    grads(f)([x, w], wholeNumbers([2, 3, 3, 4], 3));
  });
  expect([memory().numTensors, engine().backend.numDataIds()]).toEqual(before);
});
