import { memory } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { formatPlan, plan, prunableWeights, prune, type PruneOptions } from '@ockham/fw-prune';
import { clusters, network, setValues } from './fixtures/clusters.ts';

const train = clusters();
const simple = {
  method: 'simple',
  sparsity: 0.75,
  retrain: { epochs: 0 },
  report: false,
} satisfies PruneOptions;

describe('plan', () => {
  it.each(['global', 'layer', 'lamp'] as const)(
    'with scope %s foretells what a single pruning keeps of each kernel',
    async (scope) => {
      for (const criterion of ['magnitude', 'weight-gradient', 'lmo', 'random'] as const) {
        const options = { ...simple, scope, criterion };
        const model = network();
        const { rows, kept } = await plan(model, options, train);
        const { model: pruned, masks } = await prune(model, { train }, options);
        expect(rows.map((row) => row.kept)).toEqual(masks.weights.map((weight) => weight.kept));
        expect(kept).toBe(14);
        masks.dispose();
        pruned.dispose();
      }
    },
  );

  it('counts the zeros of today and leaves excluded and frozen layers', async () => {
    const model = network();
    setValues(
      prunableWeights(model)[1]!.variable,
      Float32Array.from({ length: 32 }, (_, i) => (i < 10 ? 0 : i)),
    );
    model.layers[0]!.trainable = false;
    const { rows } = await plan(model, { ...simple, exclude: 'last' });
    expect(rows).toEqual([
      { name: 'first/kernel', shape: [2, 8], size: 16, nonZeros: 16, kept: 16, leftAlone: 'frozen' },
      { name: 'second/kernel', shape: [8, 4], size: 32, nonZeros: 22, kept: 8 },
      { name: 'last/kernel', shape: [4, 2], size: 8, nonZeros: 8, kept: 8, leftAlone: 'excluded' },
    ]);
  });

  it('needs data for a gradient unless every layer keeps the same fraction', async () => {
    await expect(plan(network(), { ...simple, criterion: 'lmo' })).rejects.toThrow(
      /pass the training split as the third argument/,
    );
    const { rows } = await plan(network(), { ...simple, criterion: 'lmo', scope: 'layer' });
    expect(rows.map((row) => row.kept)).toEqual([4, 8, 2]);
  });

  it('refuses what prune refuses', async () => {
    await expect(plan(network(), { ...simple, sparsity: 1.2 })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
    await expect(plan(network(), { ...simple, sparsity: 0 })).rejects.toMatchObject({
      code: 'nothing-changed',
    });
  });

  it('leaks no tensor', async () => {
    const model = network();
    const before = memory().numTensors;
    await plan(model, { sparsity: 0.5 }, train);
    expect(memory().numTensors).toBe(before);
  });

  it('reads as a table', async () => {
    const text = formatPlan(
      await plan(network(), {
        ...simple,
        scope: 'layer',
        iterations: 2,
        schedule: 'linear',
        exclude: 'last',
      }),
    );
    expect(
      text
        .split('\n')
        .filter((line) => !/^-/.test(line))
        .map((line) => line.split(/ {2,}/)),
    ).toEqual([
      ['kernel', 'shape', 'weights', 'now', 'after', 'kept'],
      ['first/kernel', '2×8', '16', '16', '4', '25.00 %'],
      ['second/kernel', '8×4', '32', '32', '8', '25.00 %'],
      ['last/kernel', '4×2', '8', '8', '8', 'excluded'],
      ['all', '56', '56', '20', '35.71 %'],
      ['sparsity after iteration 1: 67.5 %, 2: 75.0 %'],
    ]);
  });
});
