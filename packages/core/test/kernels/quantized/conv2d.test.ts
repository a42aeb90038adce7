import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '@ockham/core/backend';
import {
  CODINGS,
  dequantize,
  quantizedConv2d,
  quantizedProducts,
  type Coding,
  type PackedMatrix,
} from '@ockham/core/kernels';
import { convolveTwin } from '../../../src/kernels/twins/conv2d.ts';
import { farthest, matrixOf, numbers } from './draw.ts';

const codings = Object.keys(CODINGS) as Coding[];

/** `[height · width · channels, outputs]`. */
function filterOf(packed: PackedMatrix): Float32Array {
  const { outputs, inputs } = packed;
  const rows = dequantize(packed);
  return rows.map((_, at) => rows[(at % outputs) * inputs + Math.floor(at / outputs)]!);
}

describe.each(['wasm', 'cpu'] as const)('a convolution by packed filters on the %s engine', (engine) => {
  beforeAll(async () => void (await useBackend(engine)));

  it('is that of the numbers that they stand for, whatever the sizes', async () => {
    const products = await quantizedProducts();
    const start = tf.memory().numTensors;
    const pair = (max: number) => fc.tuple(fc.integer({ min: 1, max }), fc.integer({ min: 1, max }));
    fc.assert(
      fc.property(
        fc.record({
          coding: fc.constantFrom(...codings),
          batch: fc.integer({ min: 1, max: 3 }),
          channels: fc.constantFrom(1, 3, 8, 12, 16),
          outputs: fc.integer({ min: 1, max: 20 }),
          ...{ image: pair(9), size: pair(3), strides: pair(2), dilations: pair(2) },
          ...{ most: fc.integer({ min: 1, max: 100 }), seed: fc.nat(9999), asymmetric: fc.boolean() },
          ...{
            padding: fc.constantFrom('same' as const, 'valid' as const),
            biased: fc.boolean(),
            relu: fc.boolean(),
          },
        }),
        (drawn) => {
          const { coding, batch, channels, outputs, image, size, padding, seed } = drawn;
          const strides: [number, number] = drawn.dilations.some((d) => d > 1) ? [1, 1] : drawn.strides;
          const reach = size.map((s, a) => (s - 1) * drawn.dilations[a]! + 1);
          if (padding === 'valid' && reach.some((r, a) => r > image[a]!)) return;
          const inputs = size[0] * size[1] * channels;
          const sizes = [outputs, inputs, Math.min(drawn.most, inputs)] as const;
          const packed = matrixOf(coding, sizes, seed, false, drawn.asymmetric);
          const x = numbers(batch * image[0] * image[1] * channels, seed + 1);
          const bias = drawn.biased ? numbers(outputs, seed + 2) : undefined;
          const info = tf.backend_util.computeConv2DInfo(
            [batch, ...image, channels],
            [...size, channels, outputs],
            strides,
            drawn.dilations,
            padding,
          );
          const { top, left } = info.padInfo;
          const exact = convolveTwin(
            {
              ...{ batch, height: image[0], width: image[1], channels, outChannels: outputs, top, left },
              ...{ outHeight: info.outHeight, outWidth: info.outWidth },
              ...{ filterHeight: size[0], filterWidth: size[1] },
              ...{ strideHeight: strides[0], strideWidth: strides[1] },
              ...{ dilationHeight: drawn.dilations[0], dilationWidth: drawn.dilations[1] },
            },
            x,
            filterOf(packed),
          );
          const expected = exact.map((value, i) => {
            const y = value + (bias?.[i % outputs] ?? 0);
            return drawn.relu ? Math.max(0, y) : y;
          });
          const loaded = products.load(packed);
          const y = tf.tidy(() => {
            const options = {
              ...{ size, strides, padding, dilations: drawn.dilations },
              ...(bias && { bias: tf.tensor1d(bias) }),
              activation: drawn.relu ? ('relu' as const) : ('linear' as const),
            };
            const found = quantizedConv2d(tf.tensor4d(x, [batch, ...image, channels]), loaded, options);
            expect(found.shape).toEqual(info.outShape);
            return found.dataSync<'float32'>();
          });
          loaded.dispose();
          const most = Math.max(1, ...expected.map(Math.abs));
          expect(farthest(y, expected)).toBeLessThan(1e-5 * most);
        },
      ),
      { numRuns: engine === 'wasm' ? 80 : 25, seed: 1 },
    );
    expect(tf.memory().numTensors).toBe(start);
  });

  it('is the float32 layer of the network it is made for, in tiles and without', async () => {
    const products = await quantizedProducts();
    for (const [coding, width, channels, outputs, size, stride] of [
      ['int8', 16, 16, 16, 3, 1],
      ['int4', 8, 32, 64, 3, 2],
      ['ternary', 8, 64, 64, 3, 1],
      ['int4', 8, 32, 64, 1, 1],
      ['binary', 8, 32, 64, 1, 2],
    ] as const) {
      const packed = matrixOf(coding, [outputs, size * size * channels, 16], 3);
      const loaded = products.load(packed);
      tf.tidy(() => {
        const x = tf.tensor4d(numbers(2 * width * width * channels, 5), [2, width, width, channels]);
        const filter = tf.tensor4d(filterOf(packed), [size, size, channels, outputs]);
        const expected = tf.conv2d(x, filter, stride, 'same').dataSync<'float32'>();
        const options = { size: [size, size], strides: [stride, stride], padding: 'same' } as const;
        const y = quantizedConv2d(x, loaded, options).dataSync<'float32'>();
        expect(farthest(y, expected)).toBeLessThan(1e-5);
      });
      loaded.dispose();
    }
  });

  it('has the gradients of the float32 layer', async () => {
    const products = await quantizedProducts();
    for (const size of [1, 3]) {
      const packed = matrixOf('int4', [5, size * size * 4, 4], 4);
      const loaded = products.load(packed);
      const start = tf.memory().numTensors;
      tf.tidy(() => {
        const x = tf.tensor4d(numbers(2 * 5 * 5 * 4, 5), [2, 5, 5, 4]);
        const b = tf.tensor1d(numbers(5, 6));
        const filter = tf.tensor4d(filterOf(packed), [size, size, 4, 5]);
        const ours = tf.grads((input: tf.Tensor, bias: tf.Tensor) => {
          const options = { size: [size, size], padding: 'same', bias, activation: 'relu' } as const;
          return tf.sum(tf.square(quantizedConv2d(input as tf.Tensor4D, loaded, options)));
        })([x, b]);
        const theirs = tf.grads((input: tf.Tensor, bias: tf.Tensor) =>
          tf.sum(tf.square(tf.relu(tf.add(tf.conv2d(input as tf.Tensor4D, filter, 1, 'same'), bias)))),
        )([x, b]);
        for (const [i, gradient] of ours.entries())
          expect(farthest(gradient.dataSync(), theirs[i]!.dataSync())).toBeLessThan(1e-4);
      });
      expect(tf.memory().numTensors).toBe(start);
      loaded.dispose();
    }
  });

  it('takes filters that were loaded for another engine, and refuses what does not fit', async () => {
    const packed = matrixOf('int3', [9, 36, 10], 7);
    const loaded = (await quantizedProducts()).load(packed);
    const convolved = (): Float32Array =>
      tf.tidy(() => {
        const x = tf.tensor4d(numbers(100, 8), [1, 5, 5, 4]);
        return quantizedConv2d(x, loaded, { size: [3, 3] }).dataSync<'float32'>();
      });
    const here = convolved();
    await useBackend(engine === 'cpu' ? 'wasm' : 'cpu');
    expect(farthest(convolved(), here)).toBeLessThan(1e-5);
    await useBackend(engine);
    tf.tidy(() => {
      const x = tf.ones<tf.Rank.R4>([1, 5, 5, 4]);
      const size = [3, 3] as const;
      for (const call of [
        () => quantizedConv2d(tf.ones([1, 5, 5, 3]), loaded, { size }),
        () => quantizedConv2d(tf.ones([1, 5, 5, 4], 'int32'), loaded, { size }),
        () => quantizedConv2d(x, loaded, { size: [2, 3] }),
        () => quantizedConv2d(x, loaded, { size, bias: tf.ones([4]) }),
        () => quantizedConv2d(x, loaded, { size, activation: 'gelu' as 'relu' }),
      ])
        expect(call).toThrow(expect.objectContaining({ code: 'invalid-argument' }) as Error);
      loaded.dispose();
      expect(() => quantizedConv2d(x, loaded, { size })).toThrow('must still be loaded');
    });
  });
});
