import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dequantiseRows, INT8_MAX_DEPTH, int8Products, quantiseRows } from '@ockham/core/kernels';
import { int8FinishTwin, int8GemmTwin } from '../../src/kernels/twins/int8.ts';
import { bench, builds } from './memory.ts';

/** All int8 values, −128 included. */
function bytes(length: number, seed: number): Int8Array {
  let state = seed | 1;
  return Int8Array.from({ length }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state >> 16;
  });
}

const size = (max: number) =>
  fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 1, max: 20 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max }) },
  );

describe.each(builds)('int8 products, relaxed $relaxed, shared $shared', (build) => {
  it('have exactly the sums of the twin, for every size, rows apart or not', async () => {
    const { kernels, memory, place, reset } = await bench(build);
    const put = (array: Int8Array): number => {
      const at = place(Math.ceil(array.length / 4));
      new Int8Array(memory.buffer, at, array.length).set(array);
      return at;
    };
    fc.assert(
      fc.property(
        ...([size(110), size(530), size(1100), fc.nat(5), fc.nat(999)] as const),
        (m, n, k, gap, seed) => {
          reset();
          const ld = k + gap;
          const [a, b] = [bytes(m * ld, seed), bytes(n * ld, seed + 1)];
          const c = place(m * n + 4);
          kernels.int8Gemm(
            ...([m, n, k, put(a), ld, put(b), ld, c] as const),
            place(Math.ceil(kernels.int8WorkspaceBytes() / 4)),
          );
          const inner = (x: Int8Array) => x.filter((_, i) => i % ld < k);
          const got = new Int32Array(memory.buffer, c, m * n).slice();
          expect(got).toEqual(int8GemmTwin([m, n, k], inner(a), inner(b)));
          expect([...new Float32Array(memory.buffer, c + 4 * m * n, 4)].every(Number.isNaN)).toBe(true);
        },
      ),
      { numRuns: 250, seed: 1 },
    );
  });
});

describe('int8', () => {
  it('holds the largest sum that int32 can, and refuses deeper products', async () => {
    const int8 = await int8Products();
    const k = INT8_MAX_DEPTH;
    const least = new Int8Array(k).fill(-128);
    expect([...int8.accumulate(least, least, [1, 1, k])]).toEqual([k * 2 ** 14]);
    expect([...int8.accumulate(least, new Int8Array(k).fill(127), [1, 1, k])]).toEqual([-k * 128 * 127]);
    expect(k * 2 ** 14).toBeLessThanOrEqual(2 ** 31 - 1);
    expect((k + 1) * 2 ** 14).toBeGreaterThan(2 ** 31 - 1);
    const deeper = new Int8Array(k + 1);
    expect(() => int8.accumulate(deeper, deeper, [1, 1, k + 1])).toThrow('k must be at most 131071');
  });

  it('scales, biases and cuts off as the twin, to the bit', async () => {
    const int8 = await int8Products();
    const float = fc.float({ min: -100, max: 100, noNaN: true });
    fc.assert(
      fc.property(
        ...([fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 11 })] as const),
        ...([fc.integer({ min: 0, max: 20 }), fc.boolean(), fc.boolean()] as const),
        fc.infiniteStream(float),
        (m, n, k, relu, biased, numbers) => {
          const draw = (length: number) =>
            Float32Array.from({ length }, () => numbers.next().value as number);
          const a = quantiseRows(draw(m * k), [m, k]);
          const b = quantiseRows(draw(n * k), [n, k]);
          const bias = biased ? draw(n) : undefined;
          const y = int8.matMul(a, b, { relu, ...(bias && { bias }) });
          const sums = int8GemmTwin([m, n, k], a.values, b.values);
          const expected = int8FinishTwin([m, n], sums, a.scales, b.scales, bias, relu ? 0 : -Infinity);
          expect(y.map((v) => v + 0)).toEqual(expected.map((v) => v + 0)); // −0 is 0
        },
      ),
      { numRuns: 200, seed: 1 },
    );
  });

  it('comes near the float product: each row is within half a step', async () => {
    const x = Float32Array.from({ length: 12 * 40 }, (_, i) => Math.sin(i * 1.7) * (1 + (i % 5)));
    const q = quantiseRows(x, [12, 40]);
    dequantiseRows(q).forEach((v, i) =>
      expect(Math.abs(v - x[i]!)).toBeLessThanOrEqual(0.5001 * q.scales[Math.floor(i / 40)]!),
    );
    const w = quantiseRows(x.slice(0, 7 * 40), [7, 40]);
    const y = (await int8Products()).matMul(q, w);
    for (let i = 0; i < 12; i++) {
      for (let j = 0; j < 7; j++) {
        let sum = 0;
        for (let p = 0; p < 40; p++) sum += x[i * 40 + p]! * x[j * 40 + p]!;
        expect(Math.abs(y[i * 7 + j]! - sum)).toBeLessThan(40 * 5 * 0.5 * (q.scales[i]! + w.scales[j]!));
      }
    }
  });

  it('quantises the largest to ±127, halves away from 0, zeros to scale 0', () => {
    const q = quantiseRows(Float32Array.of(127, -127, 2.5, -2.5, 0, 0, 0, 0, 1e-45, 0, 0, 0), [3, 4]);
    expect([...q.values]).toEqual([127, -127, 3, -3, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...q.scales]).toEqual([1, 0, 0]);
  });

  it('refuses what does not fit before anything is computed', async () => {
    const int8 = await int8Products();
    const row = (rows: number, columns: number) =>
      quantiseRows(new Float32Array(rows * columns), [rows, columns]);
    const scaled = (scale: number) => ({ ...row(2, 3), scales: Float32Array.of(1, scale) });
    const wrong = [
      () => quantiseRows(new Float32Array(5), [2, 3]),
      () => quantiseRows(new Float64Array(6) as unknown as Float32Array, [2, 3]),
      () => quantiseRows(new Float32Array(6), [-2, -3]),
      () => int8.accumulate(new Int8Array(5), new Int8Array(6), [2, 2, 3]),
      () => int8.accumulate(new Uint8Array(6) as unknown as Int8Array, new Int8Array(6), [2, 2, 3]),
      () => int8.accumulate(new Int8Array(0), new Int8Array(0), [0.5, 2, 0]),
      () => int8.matMul(row(2, 3), row(2, 4)),
      () => int8.matMul(row(2, 3), scaled(NaN)),
      () => int8.matMul(scaled(-1), row(2, 3)),
      () => int8.matMul(scaled(Infinity), row(2, 3)),
      () => int8.matMul({ ...row(2, 3), scales: new Float32Array(1) }, row(2, 3)),
      () => int8.matMul(row(2, 3), row(2, 3), { bias: new Float32Array(3) }),
      () => int8.accumulate(new Int8Array(40_000), new Int8Array(40_000), [40_000, 40_000, 1]), // 6.4 GB of sums
    ];
    for (const call of wrong)
      expect(call).toThrow(expect.objectContaining({ code: 'invalid-argument' }) as Error);
    for (const value of [NaN, Infinity])
      expect(() => quantiseRows(Float32Array.of(1, value), [1, 2])).toThrow(
        expect.objectContaining({ code: 'non-finite' }) as Error,
      );
  });
});
