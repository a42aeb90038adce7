import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  blockRowsOf,
  hasRelaxedSimd,
  type BlockAttentionAttrs,
  type BlockRows,
} from '../../src/kernels/index.ts';
import { ATTENTION_BYTES, writeAttention } from '../../src/kernels/attention/attention-geometry.ts';
import { drawOf, streamOf } from '../../src/kernels/attention/dropout-draw.ts';
import { blockAttentionGradientTwin, blockAttentionTwin } from '../../src/kernels/twins/block-attention.ts';
import { bench, type Bench } from './memory.ts';

/** Numbers in (−1, 1). */
function fractions(length: number, seed: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => drawOf(seed, i, seed + 7) / 2 ** 31 - 1);
}

/** The largest difference; infinite where one is NaN and the other not. */
function apart(values: ArrayLike<number>, wanted: ArrayLike<number>): number {
  expect(values.length).toBe(wanted.length);
  return Array.from(values, (value, i) => {
    if (Number.isNaN(value) && Number.isNaN(wanted[i])) return 0;
    const gap = Math.abs(value - wanted[i]!);
    return Number.isNaN(gap) ? Infinity : gap;
  }).reduce((most, gap) => Math.max(most, gap), 0);
}

/** The rows of matrices of flags. */
function rowsOf(present: ArrayLike<number>, blocks: number, block: number): BlockRows {
  const columns = Array.from({ length: blocks }, (_, column) => column);
  const rows = Array.from({ length: present.length / blocks }, (_, row) =>
    columns.filter((column) => present[row * blocks + column] === 1),
  );
  return blockRowsOf(rows, blocks, block);
}

/** Both kernels for one example whose heads are side by side. */
function run(
  { kernels, memory, place, read }: Bench,
  length: number,
  width: number,
  given: Readonly<Record<'q' | 'k' | 'v' | 'dOut', Float32Array>>,
  visible: Float32Array | undefined,
  { rows, heads, scale, causal, rate, seed }: BlockAttentionAttrs,
) {
  const whole = (values: Int32Array): number => {
    const at = place(values.length);
    new Int32Array(memory.buffer, at, values.length).set(values);
    return at;
  };
  const [starts, columns, geometry] = [whole(rows.starts), whole(rows.columns), place(ATTENTION_BYTES / 4)];
  const { block, blocks, patterns } = rows;
  const depth = width / heads;
  const sizes = { length, depth, stride: width, block, blocks, causal, scale, rate };
  writeAttention(memory, geometry, { ...sizes, columns });
  const [q, k, v, dOut] = [given.q, given.k, given.v, given.dOut].map(place) as [
    number,
    number,
    number,
    number,
  ];
  const seen = visible ? place(visible) : 0;
  const size = length * width;
  const [out, dq, dk, dv] = [place(size), place(size), place(size), place(size)];
  const stats = place(2 * heads * length);
  const bytes = Math.max(
    kernels.blockAttentionBytes(geometry),
    kernels.blockAttentionGradientBytes(geometry),
  );
  const work = place(bytes / 4);
  const fence = place(16); // 64 bytes of nothing before it
  new Uint8Array(memory.buffer, work + bytes, fence + 64 - work - bytes).fill(7);
  for (let h = 0; h < heads; h++) {
    const at = 4 * h * depth;
    const own = starts + 4 * (patterns === 1 ? 0 : h * blocks);
    const where = stats + 8 * h * length;
    const stream = streamOf(seed, h);
    kernels.blockAttention(geometry, own, q + at, k + at, v + at, seen, where, out + at, stream, work);
    kernels.blockAttentionGradient(
      ...([geometry, own, q + at, k + at, v + at, seen, where, out + at, dOut + at] as const),
      ...([dq + at, dk + at, dv + at, stream, work] as const),
    );
  }
  const kept = new Uint8Array(memory.buffer, work + bytes, fence + 64 - work - bytes).every((x) => x === 7);
  return { out: read(out, size), dq: read(dq, size), dk: read(dk, size), dv: read(dv, size), kept };
}

const cases = fc.record({
  length: fc.integer({ min: 1, max: 70 }),
  block: fc.constantFrom(1, 3, 4, 8, 12, 16, 40),
  heads: fc.integer({ min: 1, max: 3 }),
  depth: fc.constantFrom(1, 3, 4, 8, 13, 16),
  perHead: fc.boolean(),
  density: fc.constantFrom(0, 0.1, 0.5, 1),
  causal: fc.boolean(),
  padded: fc.boolean(),
  rate: fc.constantFrom(0, 0, 0.3),
  seed: fc.nat(9999),
});

describe.each([false, ...(hasRelaxedSimd() ? [true] : [])])('attention by blocks, relaxed %s', (relaxed) => {
  it('and its gradients equal their twins for all layouts, masks and dropouts', async () => {
    const on = await bench({ relaxed });
    fc.assert(
      fc.property(cases, ({ length, block, heads, depth, perHead, density, causal, padded, rate, seed }) => {
        on.reset();
        const blocks = Math.ceil(length / block);
        const patterns = perHead ? heads : 1;
        const flags = fractions(patterns * blocks * blocks, seed + 1).map((x) =>
          Number((x + 1) / 2 < density),
        );
        const rows = rowsOf(flags, blocks, block);
        const width = heads * depth;
        const of = (i: number) => fractions(length * width, seed + i);
        const given = { q: of(2), k: of(3), v: of(4), dOut: of(5) };
        const visible = padded ? fractions(length, seed + 6).map((x) => Number(x < 0.4)) : undefined;
        const attrs = { rows, heads, scale: 2 / Math.sqrt(depth), causal, rate, seed };
        const got = run(on, length, width, given, visible, attrs);
        const shape = [1, length, width];
        const inputs = { ...given, visible };
        expect(apart(got.out, blockAttentionTwin(inputs, shape, attrs).out)).toBeLessThan(3e-6);
        const wanted = blockAttentionGradientTwin(inputs, given.dOut, shape, attrs);
        expect(apart(got.dq, wanted.dq)).toBeLessThan(2e-5);
        expect(apart(got.dk, wanted.dk)).toBeLessThan(2e-5);
        expect(apart(got.dv, wanted.dv)).toBeLessThan(2e-5);
        expect(got.kept).toBe(true);
      }),
      { numRuns: 200, seed: 3 },
    );
  });

  it('puts a row of many runs together as if it were one, with scores that grow from run to run', async () => {
    const on = await bench({ relaxed });
    const [length, width] = [640, 4];
    const rows = rowsOf(new Uint8Array(40 * 40).fill(1), 40, 16);
    const q = new Float32Array(length * width).fill(1);
    const k = Float32Array.from({ length: length * width }, (_, i) => Math.floor(i / width) / 40);
    const v = fractions(length * width, 5);
    const attrs = { rows, heads: 1, scale: 1, causal: false, rate: 0, seed: 0 };
    const given = { q, k, v, dOut: v };
    const { out } = run(on, length, width, given, undefined, attrs);
    expect(apart(out, blockAttentionTwin(given, [1, length, width], attrs).out)).toBeLessThan(1e-5);
  });

  it('keeps a NaN of a key within the rows that see it', async () => {
    const on = await bench({ relaxed });
    const rows = rowsOf([1, 0, 0, 1], 2, 8);
    const given = {
      q: fractions(128, 1),
      k: fractions(128, 2),
      v: fractions(128, 3),
      dOut: fractions(128, 4),
    };
    given.k[9 * 8] = NaN;
    const attrs = { rows, heads: 1, scale: 1, causal: false, rate: 0, seed: 0 };
    const { out } = run(on, 16, 8, given, undefined, attrs);
    expect([...out.subarray(0, 64)].every(Number.isFinite)).toBe(true);
    expect([...out.subarray(64)].every(Number.isNaN)).toBe(true);
  });
});

describe('the draws of a dropout', () => {
  it('are below a rate as often as it says, for every key and head alike', () => {
    for (const stream of [streamOf(0, 0), streamOf(0, 1), streamOf(123456, 0)]) {
      let dropped = 0;
      for (let key = 0; key < 200; key++)
        for (let query = 0; query < 200; query++)
          dropped += Number(drawOf(stream, key, query) < 0.3 * 2 ** 32);
      expect(dropped / 200 ** 2).toBeCloseTo(0.3, 2);
    }
  });

  it('differ between heads and seeds', () => {
    const draws = [streamOf(0, 0), streamOf(0, 1), streamOf(1, 0), streamOf(1, 1)].map((s) =>
      drawOf(s, 3, 5),
    );
    expect(new Set(draws).size).toBe(4);
  });
});
