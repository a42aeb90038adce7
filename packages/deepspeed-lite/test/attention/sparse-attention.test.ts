import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import {
  getBackend,
  grad,
  grads,
  memory,
  ones,
  sum,
  tensor,
  tidy,
  zeros,
  type Tensor,
} from '@tensorflow/tfjs';
import { ArgumentError, UnsupportedModelError } from '@ockham/core';
import { Random } from '@ockham/core/random';
import { describe, expect, it } from 'vitest';
import {
  attentionPath,
  blockLayout,
  sparseAttention,
  type BlockLayout,
  type BlockPattern,
  type SparseAttentionOptions,
} from '../../src/attention/index.ts';

type Path = NonNullable<SparseAttentionOptions['path']>;
const byBlocks: readonly Path[] = getBackend() === 'wasm' ? ['kernel', 'blocks'] : ['blocks'];

const normal = (random: Random, shape: number[]): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal()),
    shape,
  );

const apart = (a: Tensor, b: Tensor): number => {
  expect(a.shape).toEqual(b.shape);
  const [x, y] = [a.dataSync(), b.dataSync()];
  const gaps = Array.from(x, (value, i) => Math.abs(value - y[i]!));
  return gaps.reduce((most, gap) => (gap <= most ? most : gap), 0);
};

/** Outputs and gradients. */
const run = (
  inputs: readonly [Tensor, Tensor, Tensor],
  dy: Tensor,
  layout: BlockLayout,
  options: SparseAttentionOptions,
): Tensor[] => {
  const f = (q: Tensor, k: Tensor, v: Tensor): Tensor => sparseAttention(q, k, v, layout, options);
  return [f(...inputs), ...grads(f)([...inputs], dy)];
};

const cases = fc.record({
  length: fc.integer({ min: 1, max: 50 }),
  block: fc.constantFrom(1, 4, 8, 16),
  heads: fc.integer({ min: 1, max: 3 }),
  batch: fc.integer({ min: 1, max: 2 }),
  depth: fc.constantFrom(1, 5, 8),
  perHead: fc.boolean(),
  density: fc.constantFrom(0, 0.2, 0.6, 1),
  causal: fc.boolean(),
  padded: fc.boolean(),
  split: fc.boolean(),
  seed: fc.nat(9999),
});

describe.each(byBlocks)('attention by %s', (path) => {
  it('equals masked dense attention, outputs to 1e-5 and gradients to 1e-4, over random layouts, and leaks nothing', () => {
    const before = memory().numTensors;
    fc.assert(
      fc.property(
        cases,
        ({ length, block, heads, batch, depth, perHead, density, causal, padded, split, seed }) => {
          const random = new Random(seed);
          const blocks = Math.ceil(length / block);
          const matrices = Array.from({ length: perHead ? heads : 1 }, () =>
            Array.from({ length: blocks }, () =>
              Array.from({ length: blocks }, () => (random.uniform() < density ? '#' : '.')).join(''),
            ),
          );
          const layout = blockLayout(
            { kind: 'custom', block, ...(perHead ? { matrices } : { matrix: matrices[0]! }) },
            { length, heads },
          );
          tidy(() => {
            const shape = split ? [batch, heads, length, depth] : [batch, length, heads * depth];
            const [q, k, v, dy] = [1, 2, 3, 4].map(() => normal(random, shape)) as [
              Tensor,
              Tensor,
              Tensor,
              Tensor,
            ];
            const flags = Float32Array.from({ length: batch * length }, () => Number(random.uniform() < 0.7));
            const options = { causal, ...(padded && { keyPaddingMask: tensor(flags, [batch, length]) }) };
            const wanted = run([q, k, v], dy, layout, { ...options, path: 'dense' });
            const got = run([q, k, v], dy, layout, { ...options, path });
            for (const [i, x] of got.entries())
              expect(apart(x, wanted[i]!)).toBeLessThan(i === 0 ? 1e-5 : 1e-4);
          });
        },
      ),
      { numRuns: path === 'kernel' ? 80 : 40, seed: 7 },
    );
    expect(memory().numTensors).toBe(before);
  });

  it('equals PyTorch, outputs and gradients, with padding, with and without later keys', () => {
    const text = readFileSync(new URL('fixtures/masked_attention.json', import.meta.url), 'utf8');
    const { heads, length, depth, block, matrices, padded, cases } = JSON.parse(text) as Fixture;
    const layout = blockLayout({ kind: 'custom', block, matrices }, { length, heads });
    for (const { causal, ...values } of cases) {
      tidy(() => {
        const of = (name: keyof typeof values): Tensor => tensor(values[name], [1, heads, length, depth]);
        const flags = Array.from({ length }, (_, key) => !padded.includes(key));
        const options = { path, causal, keyPaddingMask: tensor([flags], [1, length], 'bool') };
        const got = run([of('q'), of('k'), of('v')], of('dy'), layout, options);
        for (const [i, name] of (['out', 'dq', 'dk', 'dv'] as const).entries())
          expect(apart(got[i]!, of(name))).toBeLessThan(2e-6);
      });
    }
  });

  it('gives 0, and gradients of 0, for queries that see no key and texts of padding alone', () => {
    const layout = blockLayout({ kind: 'custom', block: 4, matrix: ['#.', '..'] }, { length: 8 });
    tidy(() => {
      const [q, k, v] = [1, 2, 3].map((i) => normal(new Random(i), [2, 8, 4])) as [Tensor, Tensor, Tensor];
      const keyPaddingMask = tensor([1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0], [2, 8]);
      const [out, dq, dk, dv] = run([q, k, v], ones([2, 8, 4]), layout, { path, keyPaddingMask });
      const zero = (x: Tensor, from: number) => [...x.dataSync()].slice(from).every((value) => value === 0);
      expect(zero(out!, 16)).toBe(true);
      expect(zero(dq!, 16)).toBe(true);
      expect(zero(dk!, 32)).toBe(true);
      expect(zero(dv!, 32)).toBe(true);
      expect(out!.dataSync()[0]).not.toBe(0);
      const none = blockLayout({ kind: 'custom', block: 4, matrix: ['..', '..'] }, { length: 8 });
      for (const x of run([q, k, v], ones([2, 8, 4]), none, { path })) expect(zero(x, 0)).toBe(true);
    });
  });

  it('refuses gradients of gradients, which a softmax of TensorFlow.js has none of', () => {
    const layout = blockLayout({ kind: 'dense', block: 2 }, { length: 2 });
    tidy(() => {
      const x = ones([1, 2, 1]);
      const inner = grad((y: Tensor) => sparseAttention(y, x, x, layout, { path }));
      expect(() => grad((y: Tensor) => sum(inner(y, x)))(x)).toThrow(UnsupportedModelError);
    });
  });

  it('drops the same for a seed, a part like the rate, backward as forward, and nothing at 0', () => {
    const layout = blockLayout({ kind: 'dense', block: 8 }, { length: 40 });
    tidy(() => {
      const [q, k] = [zeros([1, 40, 1]), zeros([1, 40, 1])];
      const v = ones([1, 40, 1]);
      const of = (seed: number, dropout = 0.5) => sparseAttention(q, k, v, layout, { path, dropout, seed });
      expect(of(1).dataSync()).toEqual(of(1).dataSync());
      expect(of(1).dataSync()).not.toEqual(of(2).dataSync());
      expect(apart(of(1, 0), v)).toBeLessThan(1e-6);
      expect(sum(of(1)).dataSync()[0]! / 40).toBeCloseTo(1, 1); // 800 of 1600 kept, each twice
      const dv = grad((x: Tensor) => sparseAttention(q, k, x, layout, { path, dropout: 0.5, seed: 1 }))(v);
      // linear in v: the gradient of the sum gives the sum back
      expect(sum(dv).dataSync()[0]).toBeCloseTo(sum(of(1)).dataSync()[0]!, 3);
    });
  });

  it('takes a scale of one’s own', () => {
    const layout = blockLayout({ kind: 'dense', block: 4 }, { length: 5 });
    tidy(() => {
      const [q, k, v] = [1, 2, 3].map((i) => normal(new Random(i), [1, 5, 4])) as [Tensor, Tensor, Tensor];
      const even = sparseAttention(q, k, v, layout, { path, scale: 0 });
      const mean = sparseAttention(zeros([1, 5, 4]), k, v, layout, { path: 'dense' });
      expect(apart(even, mean)).toBeLessThan(1e-6);
    });
  });
});

interface Fixture {
  readonly heads: number;
  readonly length: number;
  readonly depth: number;
  readonly block: number;
  readonly matrices: readonly (readonly string[])[];
  readonly padded: readonly number[];
  readonly cases: readonly ({ readonly causal: boolean } & Readonly<
    Record<'q' | 'k' | 'v' | 'dy' | 'out' | 'dq' | 'dk' | 'dv', number[]>
  >)[];
}

describe('the path', () => {
  const of = (pattern: BlockPattern, length: number) => attentionPath(blockLayout(pattern, { length }));

  it('is the kernel where there is one, else dense for short and nearly full layouts, and says why', () => {
    if (getBackend() === 'wasm') {
      expect(of({ kind: 'dense' }, 64)).toEqual({
        path: 'kernel',
        why: expect.stringContaining('wasm') as string,
      });
      return;
    }
    expect(of({ kind: 'longformer' }, 256)).toEqual({
      path: 'dense',
      why: '256 tokens are fewer than 512: products of small blocks cost more than they save',
    });
    expect(of({ kind: 'dense' }, 4096).why).toBe('100 % of the blocks are present, 15 % or more');
    expect(of({ kind: 'longformer' }, 4096)).toEqual({
      path: 'blocks',
      why: '1.9 % of the blocks of 4096 tokens are present',
    });
  });
});

const three = (shape: number[], last = shape): [Tensor, Tensor, Tensor] => [
  zeros(shape),
  zeros(shape),
  zeros(last),
];
const bad: [string, () => [Tensor, Tensor, Tensor], SparseAttentionOptions][] = [
  ['q must be [batch, 2, 8, depth] or [batch, 8, 2 · depth], as the layout says, got [1, 2, 7, 4]', () => three([1, 2, 7, 4]), {}], // prettier-ignore
  ['as the layout says, got [1, 8, 3]', () => three([1, 8, 3]), {}],
  ['as the layout says, got [8, 4]', () => three([8, 4]), {}],
  ['v must have the shape of q, [1, 8, 4], got [1, 8, 2]', () => three([1, 8, 4], [1, 8, 2]), {}],
  ['v must be float32, got int32', () => [zeros([1, 8, 4]), zeros([1, 8, 4]), zeros([1, 8, 4], 'int32')], {}],
  ['scale must be a finite number, got Infinity', () => three([1, 8, 4]), { scale: Infinity }],
  ['dropout must be in [0, 1), got 1', () => three([1, 8, 4]), { dropout: 1 }],
  ['seed must be a safe integer, got 0.5', () => three([1, 8, 4]), { seed: 0.5 }],
  ['path must be kernel, blocks or dense, got sparse', () => three([1, 8, 4]), { path: 'sparse' as 'dense' }],
];

it.each(bad)('bad input is refused: %s', (message, inputs, options) => {
  tidy(() => {
    const layout = blockLayout({ kind: 'dense', block: 4 }, { length: 8, heads: 2 });
    expect(() => sparseAttention(...inputs(), layout, options)).toThrow(message);
    expect(() => sparseAttention(...inputs(), layout, options)).toThrow(ArgumentError);
  });
});

it('a padding mask of another shape is refused', () => {
  tidy(() => {
    const layout = blockLayout({ kind: 'dense', block: 4 }, { length: 8, heads: 2 });
    expect(() => sparseAttention(...three([1, 8, 4]), layout, { keyPaddingMask: ones([8]) })).toThrow(
      'keyPaddingMask must be [batch, length] = [1, 8], got [8]',
    );
  });
});
