/** Our kernels in their operations against the cpu engine, on a thousand random shapes each; batches of cases spare switches. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { useBackend } from '@ockham/core/backend/node';
import { wholeNumbers } from './numeric-gradient.ts';

const chosen = tf.getBackend() as 'wasm';
const size = fc.integer({ min: 1, max: 6 });
const images = fc.record({
  ...{ batch: fc.integer({ min: 0, max: 2 }), height: fc.integer({ min: 3, max: 7 }) },
  ...{ width: fc.integer({ min: 3, max: 7 }), channels: size, filters: size, seed: fc.nat(999) },
  ...{ filterHeight: fc.integer({ min: 1, max: 3 }), filterWidth: fc.integer({ min: 1, max: 3 }) },
  ...{ strideHeight: fc.integer({ min: 1, max: 3 }), strideWidth: fc.integer({ min: 1, max: 3 }) },
  pad: fc.constantFrom('same' as const, 'valid' as const),
});
type Case = typeof images extends fc.Arbitrary<infer T> ? T : never;

const imagesOf = (c: Case): tf.Tensor4D =>
  wholeNumbers([c.batch, c.height, c.width, c.channels], c.seed) as tf.Tensor4D;
const filterOf = (c: Case, last: number): tf.Tensor4D =>
  wholeNumbers([c.filterHeight, c.filterWidth, c.channels, last], c.seed + 1) as tf.Tensor4D;
const windowOf = (c: Case) =>
  [
    [c.filterHeight, c.filterWidth] as [number, number],
    [c.strideHeight, c.strideWidth] as [number, number],
    c.pad,
  ] as const;

/** f(inputs) and its gradients with whole numbers as the gradient of the result. */
function withGradients(
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
  seed: number,
): tf.Tensor[] {
  const y = f(...inputs);
  return [y, ...tf.grads(f)(inputs, wholeNumbers(y.shape, seed))];
}

const operations: Record<string, (c: Case) => tf.Tensor[]> = {
  'convolutions and their gradients': (c) =>
    withGradients(
      (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, [c.strideHeight, c.strideWidth], c.pad),
      [imagesOf(c), filterOf(c, c.filters)],
      c.seed + 2,
    ),
  'depthwise convolutions and their gradients': (c) =>
    withGradients(
      (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, c.strideHeight, c.pad),
      [imagesOf(c), filterOf(c, (c.filters % 3) + 1)],
      c.seed + 2,
    ),
  'maxima of windows and their gradient': (c) =>
    withGradients((x) => tf.maxPool(x as tf.Tensor4D, ...windowOf(c)), [imagesOf(c)], c.seed + 2),
  'means of windows and their gradient': (c) =>
    withGradients((x) => tf.avgPool(x as tf.Tensor4D, ...windowOf(c)), [imagesOf(c)], c.seed + 2),
  'operations with a vector, and sums and means over leading axes': (c) => {
    const x = imagesOf(c);
    const v = wholeNumbers([c.channels], c.seed + 1);
    const halves = tf.sub(tf.add(tf.mul(x, v), v), tf.mul(v, 0.5));
    return [
      ...withGradients((a, b) => tf.sub(tf.mul(tf.add(b, a), b), b), [x, v], c.seed + 2),
      ...withGradients((a) => tf.sum(a, [0, 1]), [x], c.seed + 2),
      ...(c.batch > 0 ? withGradients((a) => tf.mean(a, [0, 1, 2]), [halves], c.seed + 2) : []),
      tf.tile(tf.reshape(v, [1, 1, c.channels]), [c.height, c.width, 1]),
    ];
  },
  'relu, its gradients and those of batch normalisation': (c) => {
    const x = imagesOf(c);
    const vectors = [1, 2, 3, 4].map((i) => wholeNumbers([c.channels], c.seed + i));
    const [mean, spread, offset, scale] = vectors as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const variance = tf.add(tf.square(spread), 1);
    return [
      ...withGradients((a) => tf.relu(a), [x], c.seed + 5),
      ...withGradients((a) => tf.relu6(tf.mul(a, 2)), [x], c.seed + 5),
      ...withGradients(
        (...[a, m, v, o, s]) =>
          tf.batchNorm(
            a as tf.Tensor4D,
            m as tf.Tensor1D,
            v as tf.Tensor1D,
            o as tf.Tensor1D,
            s as tf.Tensor1D,
          ),
        [x, mean, variance, offset, scale],
        c.seed + 5,
      ),
    ];
  },
};

describe('the wasm engine with our kernels equals the cpu engine', () => {
  afterAll(async () => void (await useBackend(chosen)));

  it.each(Object.keys(operations))('in %s', async (name) => {
    const cases = fc.sample(images, { numRuns: 1000, seed: 9 });
    const results = async (engine: 'wasm' | 'cpu') => {
      await useBackend(engine);
      return cases.map((c) =>
        tf.tidy(() => operations[name]!(c).map((t) => ({ shape: t.shape, values: t.dataSync() }))),
      );
    };
    const [wasm, cpu] = [await results('wasm'), await results('cpu')];
    for (const [i, tensors] of wasm.entries()) {
      expect(tensors.map(({ shape }) => shape)).toEqual(cpu[i]!.map(({ shape }) => shape));
      const far = tensors.some(({ values }, t) =>
        values.some((value, at) => {
          const other = cpu[i]![t]!.values[at]!;
          return !(Math.abs(value - other) <= 1e-5 * Math.max(1, Math.abs(other)));
        }),
      );
      expect(far ? cases[i] : undefined).toBeUndefined();
    }
  });
});
