import { layers, memory, randomNormal, sequential, tidy } from '@tensorflow/tfjs';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatPlan,
  Masks,
  masksOf,
  plan,
  prune,
  summary,
  trainPruned,
  type PruneOptions,
} from '@ockham/fw-prune';
import { choosePattern } from '../src/pattern-masks.ts';
import { patternOf, patternRule, patternUnits } from '../src/pattern.ts';
import { clusters, kernelsOf } from './fixtures/clusters.ts';

const data = { train: clusters() };
const quick = {
  iterations: 2,
  subsample: 16,
  report: false,
  retrain: { epochs: 1, batchSize: 16 },
  seed: 1,
} satisfies Partial<PruneOptions>;

/** 4 → 8 → 12 → 2 units; every size but the 2 outputs is a multiple of 4. */
function network(): LayersModel {
  const [features] = data.train.x.shape;
  return sequential({
    layers: [
      layers.dense({ inputShape: [features!], units: 8, activation: 'relu', kernelInitializer: seeded(1) }),
      layers.dense({ units: 12, activation: 'relu', kernelInitializer: seeded(2) }),
      layers.dense({ units: classes(), activation: 'softmax', kernelInitializer: seeded(3) }),
    ],
  });
}
const seeded = (seed: number) => ({ className: 'HeNormal', config: { seed } }) as unknown as 'heNormal';
const classes = (): number => Math.max(...data.train.y.values) + 1;

/** How many weights each unit of a pattern keeps. */
const countsOf = (
  values: ArrayLike<number>,
  shape: readonly number[],
  pattern: Parameters<typeof patternRule>[0],
) =>
  Array.from(patternUnits(shape, patternRule(pattern)), (unit) =>
    unit.reduce((sum, i) => sum + Number(values[i] !== 0), 0),
  );

describe('patterns', () => {
  it('keep the n best of each m inputs of an output, for every size', () => {
    fc.assert(
      fc.property(
        ...([fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 })] as const),
        ...([fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), fc.nat(99)] as const),
        (groups, outputs, n, more, seed) => {
          const m = n + more;
          const inputs = groups * m;
          const scores = Float64Array.from({ length: inputs * outputs }, (_, i) => ((i + seed) * 7919) % 101);
          const kernel = { scores, allowed: new Uint8Array(scores.length).fill(1), shape: [inputs, outputs] };
          const [bits] = choosePattern([kernel], patternRule({ n, m }), {
            kept: 0,
            scope: 'layer',
            floor: 0,
          });
          for (let o = 0; o < outputs; o++) {
            for (let g = 0; g < groups; g++) {
              const at = Array.from({ length: m }, (_, i) => (g * m + i) * outputs + o);
              const kept = at.filter((i) => bits![i] === 1).map((i) => scores[i]!);
              const lost = at.filter((i) => bits![i] === 0).map((i) => scores[i]!);
              expect(kept).toHaveLength(n);
              expect(Math.min(...kept)).toBeGreaterThanOrEqual(Math.max(...lost));
            }
          }
        },
      ),
      { numRuns: 200, seed: 1 },
    );
  });

  it('keep whole blocks, those of the largest norms', () => {
    const scores = Float64Array.of(3, 0, 2, 2, /* row 1 */ 0, 0, 1, 9); // [2, 4]
    const kernel = { scores, allowed: new Uint8Array(8).fill(1), shape: [2, 4] };
    const choose = (block: [number, number], kept: number) => [
      ...choosePattern([kernel], patternRule({ block }), { kept, scope: 'global', floor: 0 })[0]!,
    ];
    expect(choose([2, 1], 4)).toEqual([1, 1, 0, 0, 0, 0, 1, 1]); // 3 > √8
    expect(choose([2, 2], 4)).toEqual([0, 0, 1, 1, 0, 0, 1, 1]);
    expect(choose([4, 1], 4)).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    expect(choose([4, 1], 5)).toEqual([0, 0, 0, 0, 1, 1, 1, 1]); // to the nearest block
  });

  it.each(['simple', 'frank-wolfe', 'frank-wolfe-momentum'] as const)(
    '%s leaves 2:4 and 4x1, and retraining keeps them',
    async (method) => {
      const model = network();
      const start = memory().numTensors;
      for (const options of [
        { pattern: '2:4' },
        { pattern: { n: 1, m: 2 } },
        { pattern: '4x1', sparsity: 0.5 },
        { pattern: { block: [2, 2] }, sparsity: 0.6 },
      ] as const) {
        const { model: pruned, masks } = await prune(model, data, { ...quick, method, ...options });
        await trainPruned(pruned, data.train, masks, { epochs: 1, batchSize: 16, seed: 2 });
        const kernels = await kernelsOf(pruned);
        const { rows } = await plan(model, { ...quick, method, ...options }, data.train);
        for (const [i, { shape, leftAlone, kept }] of rows.entries()) {
          const counts = countsOf(kernels[i]!, shape, options.pattern);
          const left = kernels[i]!.filter((w) => w !== 0).length;
          if (leftAlone) expect(left).toBe(kernels[i]!.length);
          else if (options.pattern === '2:4') expect([new Set(counts), left]).toEqual([new Set([2]), kept]);
          else if (options.pattern === '4x1') expect(counts.every((c) => c === 0 || c === 4)).toBe(true);
          else if ('block' in options.pattern) expect(counts.every((c) => c === 0 || c === 4)).toBe(true);
          else expect(new Set(counts)).toEqual(new Set([1]));
        }
        masks.dispose();
        pruned.dispose();
      }
      expect(memory().numTensors).toBe(start);
      model.dispose();
    },
  );

  it('of blocks remove the sparsity asked for, to a block', async () => {
    const model = network();
    const { model: pruned, masks } = await prune(model, data, {
      ...{ ...quick, method: 'simple', iterations: 1 },
      ...{ pattern: '4x1', sparsity: 0.7 },
    });
    const { rows } = await plan(model, { method: 'simple', pattern: '4x1', sparsity: 0.7 });
    const taking = rows.filter(({ leftAlone }) => !leftAlone).map(({ name }) => name);
    const size = masks.weights.filter(({ name }) => taking.includes(name)).reduce((s, w) => s + w.size, 0);
    const kept = masks.weights.filter(({ name }) => taking.includes(name)).reduce((s, w) => s + w.kept, 0);
    expect(size - kept).toBe(4 * Math.round((0.7 * size) / 4));
    masks.dispose();
    pruned.dispose();
    model.dispose();
  });

  it('leave alone what they do not fit, and plan and summary say so', async () => {
    const model = sequential({
      layers: [
        layers.conv2d({ name: 'odd', inputShape: [6, 6, 1], filters: 8, kernelSize: 3 }), // 9 inputs
        layers.depthwiseConv2d({ name: 'depth', kernelSize: 2 }),
        layers.conv2d({ name: 'even', filters: 4, kernelSize: 2 }),
        layers.flatten(),
        layers.dense({ name: 'dense', units: 3 }),
      ],
    });
    tidy(() =>
      model.setWeights(model.getWeights().map((w, i) => randomNormal(w.shape, 0, 1, 'float32', i + 1))),
    );
    const planned = await plan(model, { method: 'simple', pattern: '2:4' });
    expect(planned.rows.map(({ leftAlone }) => leftAlone)).toEqual([
      'pattern',
      'pattern',
      undefined,
      undefined,
    ]);
    expect(planned.pattern).toBe('2:4');
    expect(planned.rows[2]!.kept).toBe(planned.rows[2]!.size / 2);
    expect(formatPlan(planned)).toMatch(/odd\/kernel.* pattern\n[^]*\npattern 2:4\n/);
    const masks = await masksOf(model);
    const rule = patternRule('2:4');
    const bits = masks.allBits();
    for (const i of [2, 3])
      for (const [j, unit] of [...patternUnits(masks.weights[i]!.shape, rule)].entries())
        for (const place of [j % 4, (j + 2) % 4]) bits[i]![unit[place]!] = 0;
    const half = new Masks(model, bits);
    half.apply();
    const { rows, text } = await summary(model);
    expect(rows.map(({ pattern }) => pattern)).toEqual([undefined, undefined, '2:4', '2:4']);
    expect(text).toMatch(/even +Conv2D .* 2:4\n/);
    await expect(plan(model, { method: 'simple', pattern: '2:4' })).rejects.toMatchObject({
      code: 'nothing-changed',
    });
    masks.dispose();
    half.dispose();
    model.dispose();
  });

  it('are found in values', () => {
    expect(patternOf([1, 2, 3, 4, 0, 0, 0, 0], [2, 4])).toBe('4x1');
    expect(patternOf([1, 2, 3, 4, 0, 0, 0, 1], [2, 4])).toBeUndefined();
    expect(patternOf([1, 0, 0, 5, 6, 7, 0, 0], [4, 2])).toBe('2:4');
    expect(patternOf([1, 0, 0, 5, 6, 0, 0, 0], [4, 2])).toBeUndefined(); // thinner than 2:4
    expect(patternOf([1, 1, 1, 1], [4])).toBeUndefined();
    expect(patternOf([], [0, 4])).toBeUndefined();
  });

  it.each([
    [{ pattern: '2:4', sparsity: 0.9 }, 'sparsity must be 1 − n/m = 0.5, got 0.9'],
    [{ pattern: '2:4', initialSparsity: 0.2 }, 'initialSparsity must be'],
    [{ pattern: '2:4', scope: 'global' }, 'scope must be layer'],
    [{ pattern: '2:4', floor: 0.7 }, 'floor must be at most n/m = 0.5'],
    [{ pattern: '2:4', form: 'printed' }, "needs mask 'hold'"],
    [{ pattern: '4x1', sparsity: 0.5, mask: 'release' }, "needs mask 'hold'"],
    [{ pattern: '4x1' }, 'sparsity must be'],
    [{ pattern: '3:x', sparsity: 0.5 }, 'pattern must be'],
    [{ pattern: { n: 4, m: 4 } }, 'pattern must be'],
    [{ pattern: { n: 0.5, m: 4 } }, 'pattern must be'],
    [{ pattern: { block: [1, 1] }, sparsity: 0.5 }, 'pattern must be'],
    [{ pattern: { block: [4] }, sparsity: 0.5 }, 'pattern must be'],
    [{ pattern: null, sparsity: 0.5 }, 'pattern must be'],
    [{ pattern: { n: 1, m: 7 } }, 'no layer is left to prune'],
    [{ pattern: '4x1', sparsity: 0.9, floor: 0.5 }, 'the floor 0.5 keeps'],
  ] as unknown as [PruneOptions, string][])('refuse %j', async (options, words) => {
    const model = network();
    await expect(prune(model, data, { ...quick, method: 'simple', ...options })).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining(words) as unknown,
    });
    model.dispose();
  });
});
