import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '@ockham/core/backend/node';
import { installRepairs } from '../../src/backend/repairs/install.ts';
import { kernelsOf } from '../../src/backend/wasm-kernels/attach.ts';
import { wholeNumbers } from './numeric-gradient.ts';

const size = fc.integer({ min: 1, max: 9 });

/** The same computation on both engines. */
async function onBoth(compute: () => tf.Tensor): Promise<[wasm: number[], cpu: number[]]> {
  const run = () => tf.tidy(() => [...compute().dataSync()]);
  await useBackend('wasm');
  const wasm = run();
  await useBackend('cpu');
  const cpu = run();
  await useBackend('wasm');
  return [wasm, cpu];
}

describe('own kernels on the wasm engine', () => {
  beforeAll(async () => void (await useBackend('wasm')));

  it('are attached, and installing again changes nothing', async () => {
    expect(kernelsOf(tf.backend())).toBeDefined();
    const names = ['Conv2D', 'FusedConv2D', 'BatchMatMul', 'Sum', 'MaxPoolGrad'];
    const registered = () => names.map((name) => tf.getKernel(name, 'wasm').kernelFunc);
    const before = registered();
    installRepairs();
    expect(registered()).toEqual(before);
  });

  it('more memory than WebAssembly addresses is refused before anything is computed', () => {
    const before = tf.memory().numTensors;
    const column = tf.zeros([40_000, 1]);
    expect(() => tf.matMul(column, column, false, true)).toThrow(
      expect.objectContaining({
        code: 'out-of-memory',
        message: expect.stringContaining('6104 MiB more could not be had'),
      }),
    );
    column.dispose();
    expect(tf.memory().numTensors).toBe(before);
    expect(() => kernelsOf(tf.backend())!.workspace(2 ** 32 - 8)).toThrow(
      expect.objectContaining({ code: 'out-of-memory' }),
    );
  });

  it('products are sums of products, transposed and broadcast', () => {
    fc.assert(
      fc.property(
        fc.record({
          m: fc.oneof(size, fc.integer({ min: 30, max: 70 })), // from 32 on all products are ours
          ...{ n: size, k: size, a: fc.boolean(), b: fc.boolean(), seed: fc.nat(999) },
        }),
        fc.constantFrom(
          [[], []],
          [[3], [3]],
          [[3], [1]],
          [[2, 1], [3]],
          [
            [1, 3],
            [2, 1],
          ],
          [[], [2]],
        ),
        ({ m, n, k, a, b, seed }, [aBatch, bBatch]) => {
          tf.tidy(() => {
            const left = wholeNumbers([...aBatch, ...(a ? [k, m] : [m, k])], seed);
            const right = wholeNumbers([...bBatch, ...(b ? [n, k] : [k, n])], seed + 1);
            const turned = (x: tf.Tensor) => {
              const axes = x.shape.map((_, i) => i);
              return tf.transpose(x, [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!]);
            };
            const [x, y] = [a ? turned(left) : left, b ? turned(right) : right];
            const expected = tf.sum(tf.mul(tf.expandDims(x, -1), tf.expandDims(y, -3)), -2);
            const product = tf.matMul(left, right, a, b);
            expect(product.shape).toEqual(expected.shape);
            expect([...product.dataSync()]).toEqual([...expected.dataSync()]);
          });
        },
      ),
      { numRuns: 100, seed: 6 },
    );
  });

  it('fused products equal those of the cpu engine, with bias and activation or without', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 70 }),
        fc.tuple(size, fc.integer({ min: 1, max: 40 })),
        fc.constantFrom('linear', 'relu', 'relu6', 'sigmoid'),
        fc.boolean(),
        async (rows, [inputs, outputs], activation, biased) => {
          const product = () =>
            tf.fused.matMul({
              a: wholeNumbers([rows, inputs], 3),
              b: wholeNumbers([inputs, outputs], 4),
              ...(biased && { bias: wholeNumbers([outputs], 5) }),
              activation: activation,
            });
          const [wasm, cpu] = await onBoth(product);
          expect(wasm.length).toBe(rows * outputs);
          wasm.forEach((value, i) => expect(value).toBeCloseTo(cpu[i]!, 6));
        },
      ),
      { numRuns: 100, seed: 8 },
    );
  });

  it('sums equal those of the cpu engine over any axes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(size, { minLength: 1, maxLength: 4 }),
        fc.subarray([0, 1, 2, 3], { minLength: 1 }),
        fc.boolean(),
        async (shape, axes, keepDims) => {
          const valid = axes.filter((axis) => axis < shape.length);
          fc.pre(valid.length > 0);
          const sum = () => tf.sum(wholeNumbers(shape, 3), valid, keepDims);
          const [wasm, cpu] = await onBoth(sum);
          expect(wasm).toEqual(cpu);
          expect(tf.tidy(() => sum().shape)).toEqual(
            keepDims
              ? shape.map((n, i) => (valid.includes(i) ? 1 : n))
              : shape.filter((_, i) => !valid.includes(i)),
          );
        },
      ),
      { numRuns: 60, seed: 7 },
    );
  });

  it.each<[shape: number[], axes: number[]]>([
    [[3, 5, 16], [1]],
    [
      [2, 3, 4, 20],
      [1, 2],
    ],
    [[2, 3, 4, 20], [2]],
    [[3, 5, 2], [1]],
    [
      [3, 5, 16],
      [0, 2],
    ],
    [[3, 5, 16], [2]],
  ])(
    'sums of %j over axes %j, what they repeat and their gradients equal those of the cpu engine',
    async (shape, axes) => {
      const reps = shape.map((n, i) => (axes.includes(i) ? n : 1));
      const [wasm, cpu] = await onBoth(() => {
        const x = wholeNumbers(shape, 3);
        const w = wholeNumbers(tf.sum(x, axes).shape, 5);
        const gradient = tf.grad((y) => tf.sum(tf.mul(tf.sum(y, axes), w)))(x);
        const repeated = tf.tile(tf.sum(x, axes, true), reps);
        const average = tf.grad((y) => tf.sum(tf.mul(tf.mean(y, axes, true), 3)))(x);
        return tf.concat([gradient, repeated, average].map((t) => tf.reshape(t, [-1])));
      });
      wasm.forEach((value, i) => expect(value).toBeCloseTo(cpu[i]!, 5));
      expect(wasm).toHaveLength(cpu.length);
    },
  );

  it('fused convolutions equal those of the cpu engine, with bias and activation or without', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({ size: fc.integer({ min: 3, max: 7 }), channels: size, filters: size, seed: fc.nat(999) }),
        fc.constantFrom('linear' as const, 'relu' as const, 'relu6' as const, 'elu' as const),
        fc.constantFrom('same' as const, 'valid' as const),
        fc.boolean(),
        async (s, activation, pad, biased) => {
          const [wasm, cpu] = await onBoth(() =>
            tf.fused.conv2d({
              x: wholeNumbers([2, s.size, s.size, s.channels], s.seed) as tf.Tensor4D,
              filter: wholeNumbers([3, 2, s.channels, s.filters], s.seed + 1) as tf.Tensor4D,
              strides: 2,
              pad,
              activation,
              ...(biased && { bias: wholeNumbers([s.filters], s.seed + 2) }),
            }),
          );
          expect(wasm.map((v) => Math.round(v * 1e4))).toEqual(cpu.map((v) => Math.round(v * 1e4)));
        },
      ),
      { numRuns: 60, seed: 8 },
    );
  });

  it('the gradients of batch normalisation equal those of the composition', () => {
    tf.tidy(() => {
      const x = wholeNumbers([2, 3, 3, 5], 1) as tf.Tensor4D;
      const vectors = [2, 3, 4, 5].map((seed) => wholeNumbers([5], seed)) as tf.Tensor1D[];
      const [mean, spread, offset, scale] = vectors as [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D, tf.Tensor1D];
      const variance = tf.add(tf.square(spread), 0.5);
      const dy = wholeNumbers(x.shape, 6);
      const inputs = [x, mean, variance, offset, scale];
      const fused = tf.grads((a, m, v, o, s) =>
        tf.batchNorm(
          a as tf.Tensor4D,
          m as tf.Tensor1D,
          v as tf.Tensor1D,
          o as tf.Tensor1D,
          s as tf.Tensor1D,
          0.01,
        ),
      );
      const composed = tf.grads((a, m, v, o, s) =>
        tf.add(tf.mul(tf.mul(tf.sub(a, m), tf.rsqrt(tf.add(v, 0.01))), s), o),
      );
      const [ours, plain] = [fused(inputs, dy), composed(inputs, dy)];
      for (const [i, gradient] of ours.entries()) {
        expect(gradient.shape).toEqual(inputs[i]!.shape);
        const expected = plain[i]!.dataSync();
        gradient.dataSync().forEach((value, at) => expect(value).toBeCloseTo(expected[at]!, 3));
      }
    });
  });
});
