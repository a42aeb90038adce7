import * as tf from '@tensorflow/tfjs';
import { describe, expect, it, beforeAll } from 'vitest';
import { useBackend } from '@ockham/core/backend';
import { kernelsOf } from '../../../src/backend/wasm-kernels/attach.ts';
import {
  checkQuantizedProducts,
  CODINGS,
  dequantize,
  quantizedMatMul,
  quantizedProducts,
  type Coding,
} from '@ockham/core/kernels';
import { quantizedProductTwin } from '../../../src/kernels/twins/quantized.ts';
import { matrixOf, numbers } from './draw.ts';

describe.each(['wasm', 'cpu'] as const)('a quantised product of tensors on the %s engine', (engine) => {
  beforeAll(async () => void (await useBackend(engine)));

  it('is the product of any shape, and leaves no tensor behind', async () => {
    const packed = matrixOf('int4', [13, 70, 32], 1);
    const matrix = (await quantizedProducts()).load(packed);
    const values = numbers(2 * 3 * 70, 2);
    const x = tf.tensor3d(values, [2, 3, 70]);
    const bias = tf.tensor1d(numbers(13, 3));
    const start = tf.memory().numTensors;
    for (const activations of ['float32', 'int8'] as const) {
      const y = quantizedMatMul(x, matrix, { bias, activation: 'relu', activations });
      expect(y.shape).toEqual([2, 3, 13]);
      const expected = quantizedProductTwin(packed, values, 6, numbers(13, 3), 'relu', activations);
      const got = await y.data();
      expected.forEach((value, i) => expect(Math.abs(value - got[i]!)).toBeLessThan(1e-5));
      y.dispose();
    }
    expect(tf.memory().numTensors).toBe(start);
    tf.dispose([x, bias]);
    matrix.dispose();
  });

  it('has the gradients of the float32 layer', async () => {
    const packed = matrixOf('int8', [5, 12, 12], 4);
    const matrix = (await quantizedProducts()).load(packed);
    const start = tf.memory().numTensors;
    tf.tidy(() => {
      const x = tf.tensor2d(numbers(3 * 12, 5), [3, 12]);
      const b = tf.tensor1d(numbers(5, 6));
      const w = tf.transpose(tf.tensor2d(dequantize(packed), [5, 12]));
      const phi = (v: tf.Tensor) => tf.mul(tf.mul(v, 0.5), tf.add(tf.erf(tf.mul(v, Math.SQRT1_2)), 1));
      const cubic = (v: tf.Tensor) => tf.add(v, tf.mul(tf.pow(v, 3), 0.044715));
      const tanh = (v: tf.Tensor) =>
        tf.mul(tf.mul(v, 0.5), tf.add(tf.tanh(tf.mul(cubic(v), Math.sqrt(2 / Math.PI))), 1));
      const activations = { linear: (v: tf.Tensor) => v, relu: tf.relu, gelu: phi, 'gelu-tanh': tanh };
      for (const [activation, apply] of Object.entries(activations)) {
        const ours = tf.grads((input: tf.Tensor, bias: tf.Tensor) =>
          tf.sum(tf.square(quantizedMatMul(input, matrix, { bias, activation: activation as 'relu' }))),
        )([x, b]);
        const theirs = tf.grads((input: tf.Tensor, bias: tf.Tensor) =>
          tf.sum(tf.square(apply(tf.add(tf.matMul(input as tf.Tensor2D, w), bias)))),
        )([x, b]);
        for (const [i, gradient] of ours.entries()) {
          const difference = tf.max(tf.abs(tf.sub(gradient, theirs[i]!))).dataSync()[0]!;
          expect(difference).toBeLessThan(1e-4);
        }
      }
    });
    expect(tf.memory().numTensors).toBe(start);
    matrix.dispose();
  });

  it('takes a matrix that was loaded for another engine', async () => {
    const packed = matrixOf('int3', [9, 33, 10], 7);
    const matrix = (await quantizedProducts()).load(packed);
    await useBackend(engine === 'cpu' ? 'wasm' : 'cpu');
    const y = tf.tidy(() => quantizedMatMul(tf.tensor2d(numbers(66, 8), [2, 33]), matrix).dataSync());
    await useBackend(engine);
    quantizedProductTwin(packed, numbers(66, 8), 2, undefined, 'linear', 'float32').forEach((value, i) =>
      expect(Math.abs(value - y[i]!)).toBeLessThan(1e-5),
    );
    matrix.dispose();
  });

  it('agrees with the definition in every coding', async () => {
    const start = tf.memory().numTensors;
    await expect(checkQuantizedProducts()).resolves.toBeUndefined();
    expect(tf.memory().numTensors).toBe(start);
  });

  it('refuses what does not fit', async () => {
    const products = await quantizedProducts();
    const matrix = products.load(matrixOf('binary', [4, 6, 6], 1));
    tf.tidy(() => {
      const x = tf.ones([2, 6]);
      const wrong = [
        () => quantizedMatMul(tf.ones([2, 5]), matrix),
        () => quantizedMatMul(tf.scalar(1), matrix),
        () => quantizedMatMul(tf.ones([2, 6], 'int32'), matrix),
        () => quantizedMatMul(x, matrix, { bias: tf.ones([6]) }),
        () => quantizedMatMul(x, matrix, { activation: 'tanh' as 'relu' }),
        () => quantizedMatMul(x, matrix, { activations: 'int4' as 'int8' }),
        () => products.multiply(new Float32Array(11), 2, matrix),
        () => products.multiply(new Float32Array(12), 2.5, matrix),
        () => products.multiply(new Float32Array(12), 2, matrix, { bias: new Float32Array(5) }),
      ];
      for (const call of wrong)
        expect(call).toThrow(expect.objectContaining({ code: 'invalid-argument' }) as Error);
      matrix.dispose();
      matrix.dispose();
      expect(() => quantizedMatMul(x, matrix)).toThrow('must still be loaded');
      expect(() => matrix.packed()).toThrow('must still be loaded');
    });
  });
});

describe('a loaded matrix', () => {
  it.each(Object.keys(CODINGS) as Coding[])(
    'of %s holds as many bytes as the packed one, and gives it back',
    async (coding) => {
      const products = await quantizedProducts();
      for (const [sizes, single, asymmetric] of [
        [[16, 320, 80], false, true],
        [[7, 33, 5], false, false],
        [[9, 50, 50], true, true],
      ] as const) {
        const packed = matrixOf(coding, sizes, 5, single, asymmetric);
        const matrix = products.load(packed);
        expect(matrix.packed()).toEqual(packed);
        if (sizes[0] === 16)
          expect(matrix.bytes).toBe(
            packed.codes.byteLength + packed.scales.byteLength + (packed.zeros?.byteLength ?? 0),
          );
        matrix.dispose();
      }
    },
  );

  it('gives its memory back', async () => {
    await useBackend('cpu');
    const products = await quantizedProducts();
    const packed = matrixOf('int8', [256, 256, 256], 1);
    const matrices = [0, 1, 2, 3].map(() => products.load(packed));
    const bytes = matrices[0]!.space.memory.buffer.byteLength;
    for (let i = 0; i < 40; i++) matrices.splice(i % 4, 1, products.load(packed))[0]!.dispose();
    expect(matrices[0]!.space.memory.buffer.byteLength).toBeLessThan(bytes + 2 ** 19);
    for (const matrix of matrices) matrix.dispose();
  });
});

describe('the check of an engine', () => {
  it('refuses one whose products are wrong, by name', async () => {
    await useBackend('wasm');
    const { kernels } = kernelsOf(tf.backend())!;
    const { quantizedProduct } = kernels;
    try {
      kernels.quantizedProduct = () => undefined;
      await expect(checkQuantizedProducts()).rejects.toMatchObject({ code: 'engine-differs' });
    } finally {
      kernels.quantizedProduct = quantizedProduct;
    }
  });
});
