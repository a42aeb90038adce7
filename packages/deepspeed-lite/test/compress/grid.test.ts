import {
  matMul,
  memory,
  sum,
  tensor2d,
  tidy,
  transpose,
  valueAndGrad,
  type Tensor,
  type Tensor2D,
} from '@tensorflow/tfjs';
import { ArgumentError, NonFiniteError } from '@ockham/core';
import { fromFloat16 } from '@ockham/core/files';
import { CODINGS, dequantize, packedBytes, unpackCodes } from '@ockham/core/kernels';
import { Random } from '@ockham/core/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fakeQuantize, quantize, type Grid, type GridBits } from '../../src/compress/index.ts';

const ALL: readonly GridBits[] = [8, 4, 3, 2, 'ternary', 'binary', 'fp8-e4m3', 'fp8-e5m2', 'fp4-e2m1'];
const normals = (n: number, seed = 3) => {
  const random = new Random(seed);
  return Float32Array.from({ length: n }, () => random.normal());
};
const squaredError = (a: Float32Array, b: Float32Array) => a.reduce((s, v, i) => s + (v - b[i]!) ** 2, 0);

const grids: fc.Arbitrary<Grid> = fc
  .record({
    bits: fc.constantFrom(...ALL),
    symmetric: fc.boolean(),
    granularity: fc.constantFrom('tensor' as const, 'channel' as const, { group: 3 }, { group: 64 }),
    range: fc.constantFrom('minmax' as const, 'mse' as const),
  })
  .map((grid) => ({ ...grid, symmetric: typeof grid.bits === 'number' ? grid.symmetric : true }));

describe('quantize', () => {
  it('is right by hand: 4 bits, groups of two', () => {
    const packed = quantize(Float32Array.of(0.7, -0.1, 0.32, 0), [1, 4], {
      bits: 4,
      granularity: { group: 2 },
    });
    expect([...unpackCodes(packed)]).toEqual([7, -1, 7, 0]);
    const [a, b] = fromFloat16(packed.scales);
    expect(a).toBeCloseTo(0.1, 4);
    expect(b).toBeCloseTo(0.32 / 7, 4);
  });

  it('is right by hand: ternary by the threshold 0.7 · mean |w|, binary by mean |w|', () => {
    const w = Float32Array.of(1, -0.5, 0.25, 0.25);
    const ternary = quantize(w, [1, 4], { bits: 'ternary' });
    expect([...unpackCodes(ternary)]).toEqual([1, -1, 0, 0]);
    expect([...fromFloat16(ternary.scales)]).toEqual([0.75]);
    const binary = quantize(w, [1, 4], { bits: 'binary' });
    expect([...unpackCodes(binary)]).toEqual([1, -1, 1, 1]);
    expect([...fromFloat16(binary.scales)]).toEqual([0.5]);
  });

  it('gives an asymmetric grid that holds 0 exactly', () => {
    const w = Float32Array.of(0, 0.5, 1, 1.5);
    const packed = quantize(w, [1, 4], { bits: 2, symmetric: false });
    expect([...dequantize(packed)]).toEqual([0, 0.5, 1, 1.5]);
    expect(packed.zeros?.[0]).toBe(126);
  });

  it('rounds floats to the nearest, ties to the even pattern', () => {
    const w = Float32Array.of(6, 5, 2.5, 0.25, -0.75, -3.4);
    const packed = quantize(w, [1, 6], { bits: 'fp4-e2m1' });
    expect([...dequantize(packed)]).toEqual([6, 4, 2, 0, -1, -3]);
  });

  it('stays within half a step for integers, of each scale', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(8, 4, 3, 2),
        fc.integer({ min: 1, max: 40 }),
        fc.integer(),
        (bits, inputs, seed) => {
          const w = normals(3 * inputs, seed);
          const packed = quantize(w, [3, inputs], { bits: bits, granularity: { group: 16 } });
          const scales = fromFloat16(packed.scales);
          const values = dequantize(packed);
          const groups = Math.ceil(inputs / packed.group);
          for (const [i, value] of w.entries()) {
            const scale = scales[Math.floor(i / inputs) * groups + Math.floor((i % inputs) / packed.group)]!;
            const cutOff = Math.max(0, Math.abs(value) - scale * CODINGS[packed.coding].high);
            expect(Math.abs(values[i]! - value)).toBeLessThanOrEqual(scale * 0.5001 + cutOff);
            expect(cutOff).toBeLessThanOrEqual(2 ** -10 * Math.abs(value));
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('leaves what is on its grid where it is', () => {
    for (const bits of ALL) {
      const grid: Grid = { bits, granularity: { group: 16 } };
      const once = dequantize(quantize(normals(5 * 40), [5, 40], grid));
      expect(dequantize(quantize(once, [5, 40], grid)), String(bits)).toEqual(once);
    }
  });

  it('errs least with range mse, and less with more bits and smaller groups', () => {
    const w = normals(8 * 256);
    const error = (grid: Grid) => squaredError(w, dequantize(quantize(w, [8, 256], grid)));
    for (const bits of ALL) {
      expect(error({ bits, range: 'mse' }), String(bits)).toBeLessThanOrEqual(error({ bits }) * 1.0001);
    }
    const falling = (['binary', 2, 3, 4, 8] as const).map((bits) => error({ bits, range: 'mse' }));
    expect(falling).toEqual(falling.toSorted((a, b) => b - a));
    expect(error({ bits: 4, granularity: { group: 32 } })).toBeLessThan(error({ bits: 4 }));
    expect(error({ bits: 4 })).toBeLessThan(error({ bits: 4, granularity: 'tensor' }));
  });

  it('finds the best ternary scale of all', () => {
    const w = normals(9, 5);
    const best = squaredError(w, dequantize(quantize(w, [1, 9], { bits: 'ternary', range: 'mse' })));
    const magnitudes = w.map(Math.abs).sort().reverse();
    for (let k = 1; k <= 9; k++) {
      const scale = magnitudes.subarray(0, k).reduce((a, b) => a + b, 0) / k;
      const error = magnitudes.reduce((s, v, i) => s + (i < k ? (v - scale) ** 2 : v * v), 0);
      expect(best).toBeLessThanOrEqual(error * 1.001); // the scale is in half precision
    }
  });

  it('cuts off at a percentile', () => {
    const w = Float32Array.from({ length: 100 }, (_, i) => (i === 50 ? 100 : (i % 10) / 10));
    const packed = quantize(w, [1, 100], { bits: 8, range: { percentile: 99 } });
    expect(fromFloat16(packed.scales)[0]).toBeCloseTo(0.9 / 127, 5);
    expect(unpackCodes(packed)[50]).toBe(127);
  });

  it('takes one number a coding promises: bytes of each', () => {
    const bytes = (bits: GridBits) => packedBytes(quantize(normals(256), [1, 256], { bits }));
    expect(ALL.map(bytes)).toEqual([258, 130, 98, 66, 54, 34, 258, 258, 130]);
  });

  it('takes zeros, and a matrix of nothing', () => {
    for (const bits of ALL)
      expect(dequantize(quantize(new Float32Array(8), [2, 4], { bits })).every((v) => v === 0)).toBe(true);
    expect(dequantize(quantize(new Float32Array(0), [0, 4], { bits: 4 })).length).toBe(0);
  });

  it('refuses what it cannot hold', () => {
    const w = normals(4);
    const bad = (grid: unknown) => () => quantize(w, [1, 4], grid as Grid);
    expect(bad({ bits: 5 })).toThrow(/bits must be 8, 4, 3, 2/);
    expect(bad({ bits: 4, granularity: { group: 0 } })).toThrow(/granularity must be/);
    expect(bad({ bits: 'binary', symmetric: false })).toThrow(/only integers/);
    expect(bad({ bits: 4, range: { percentile: 0 } })).toThrow(/range must be/);
    expect(bad({ bits: 'ternary', range: { percentile: 99 } })).toThrow(/no percentile/);
    expect(() => quantize(w, [2, 4], { bits: 4 })).toThrow(ArgumentError);
    expect(() => quantize(Float32Array.of(1, Number.NaN), [1, 2], { bits: 4 })).toThrow(NonFiniteError);
    expect(() => quantize(Float32Array.of(1e9), [1, 1], { bits: 4 })).toThrow(/65,504/);
  });
});

describe('fakeQuantize', () => {
  it('gives the values of quantize and dequantize, bit for bit, in both layouts', () => {
    fc.assert(
      fc.property(
        grids,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 70 }),
        (grid, outputs, inputs) => {
          const rows = normals(outputs * inputs, outputs + inputs);
          const expected = dequantize(quantize(rows, [outputs, inputs], grid));
          const [table, kernel] = tidy(() => {
            const w = tensor2d(rows, [outputs, inputs]);
            const direct = fakeQuantize(w, grid, { layout: 'outputs-inputs' });
            const turned = transpose(fakeQuantize(transpose<Tensor2D>(w), grid));
            return [direct.dataSync(), turned.dataSync()];
          });
          expect(table).toEqual(expected);
          expect(kernel).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('passes gradients straight through and leaks nothing', () => {
    const before = memory().numTensors;
    tidy(() => {
      const x = tensor2d(normals(6), [2, 3]);
      const w = tensor2d(normals(12), [3, 4]);
      const loss = (kernel: Tensor) => sum(matMul(x, fakeQuantize(kernel as Tensor2D, { bits: 2 })));
      const { grad } = valueAndGrad((k: Tensor) => loss(k).asScalar())(w);
      const plain = valueAndGrad((k: Tensor) => sum(matMul(x, k as Tensor2D)).asScalar())(w).grad;
      expect(grad.dataSync()).toEqual(plain.dataSync());
    });
    expect(memory().numTensors).toBe(before);
  });
});
