import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '@ockham/core/backend';
import {
  CODINGS,
  decodeMatrix,
  decodeOutputs,
  dequantize,
  dequantizeOutputs,
  quantizedProducts,
  rowsOnGrid,
  type Coding,
} from '@ockham/core/kernels';
import { farthest, matrixOf, numbers } from './draw.ts';

const codings = Object.keys(CODINGS) as Coding[];

describe.each(['wasm', 'cpu'] as const)('a matrix loaded beside the %s engine', (engine) => {
  beforeAll(async () => void (await useBackend(engine)));

  it('is decoded to exactly the numbers that it stands for, whatever its sizes', async () => {
    const products = await quantizedProducts();
    fc.assert(
      fc.property(
        fc.record({
          coding: fc.constantFrom(...codings),
          outputs: fc.integer({ min: 1, max: 20 }),
          inputs: fc.oneof(
            { weight: 9, arbitrary: fc.integer({ min: 1, max: 90 }) },
            { weight: 1, arbitrary: fc.integer({ min: 1900, max: 2000 }) },
          ),
          ...{ most: fc.integer({ min: 1, max: 100 }), seed: fc.nat(9999) },
          ...{ single: fc.boolean(), asymmetric: fc.boolean() },
          which: fc.array(fc.nat(), { maxLength: 12 }),
        }),
        ({ coding, outputs, inputs, most, seed, single, asymmetric, which }) => {
          const sizes = [outputs, inputs, Math.min(most, inputs)] as const;
          const packed = matrixOf(coding, sizes, seed, single, asymmetric);
          const loaded = products.load(packed);
          const rows = dequantize(packed);
          const expected = rows.map((_, at) => rows[(at % outputs) * inputs + Math.floor(at / outputs)]!);
          const decoded = decodeMatrix(loaded);
          expect(decoded.length).toBe(expected.length);
          expect(farthest(decoded, expected)).toBe(0);
          const some = which.map((each) => each % outputs);
          const found = decodeOutputs(loaded, some);
          expect(found.length).toBe(some.length * inputs);
          expect(farthest(found, dequantizeOutputs(packed, some))).toBe(0);
          loaded.dispose();
        },
      ),
      { numRuns: 80, seed: 1 },
    );
  });

  it('has no output but its own, and none once it is disposed of', async () => {
    const loaded = (await quantizedProducts()).load(matrixOf('int4', [5, 6, 6], 1));
    for (const bad of [5, -1, 0.5, NaN])
      expect(() => decodeOutputs(loaded, [0, bad])).toThrow('must be an integer in [0, 5)');
    loaded.dispose();
    expect(() => decodeMatrix(loaded)).toThrow('must still be loaded');
    expect(() => decodeOutputs(loaded, [0])).toThrow('must still be loaded');
  });
});

describe('rows on a grid', () => {
  beforeAll(async () => void (await useBackend('wasm')));

  it('are those of the operations one after another, to the bit', () => {
    for (const [rows, n] of [
      [1, 1],
      [3, 7],
      [4, 64],
    ] as const) {
      tf.tidy(() => {
        const x = tf.tensor2d(numbers(rows * n, n), [rows, n]);
        const scale = tf.div(tf.max(tf.abs(x), 1, true), 127);
        const own = tf.mul(tf.round(tf.div(x, scale)), scale);
        expect(rowsOnGrid(x, rows)!.dataSync()).toEqual(own.dataSync());
        const cut = tf.mul(tf.clipByValue(tf.round(tf.div(x, 0.01)), -60, 20), 0.01);
        expect(rowsOnGrid(x, 1, { scale: 0.01, low: -60, high: 20 })!.dataSync()).toEqual(cut.dataSync());
      });
    }
  });

  it('round halves to even, leave a row of zeros, and spoil the row of a NaN alone', () => {
    tf.tidy(() => {
      const x = tf.tensor2d([0.5, 1.5, 2.5, -0.5, 127, 0, 0, 0, 0, 0, 1, NaN, 1, 1, 1], [3, 5]);
      const found = rowsOnGrid(x, 3)!.dataSync();
      expect([...found.slice(0, 5)].map((v) => v + 0)).toEqual([0, 2, 2, 0, 127]);
      expect([...found.slice(5, 10)]).toEqual([0, 0, 0, 0, 0]);
      expect([...found.slice(10)].every(Number.isNaN)).toBe(true);
    });
  });

  it('are left to others on an engine without our kernels', async () => {
    await useBackend('cpu');
    const x = tf.ones([2, 2]);
    expect(rowsOnGrid(x, 2)).toBeUndefined();
    x.dispose();
    await useBackend('wasm');
  });
});
