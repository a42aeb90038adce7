import type { Split } from '@ockham/core';
import { simulate } from '@ockham/core/comm';
import { bert, cloneModel, lenet5, mlp, resnet } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { memory } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { initialize, memoryStores, plan, type EngineConfig } from '../src/index.ts';

const random = new Random(1);

function dataFor(model: LayersModel, ids: number | undefined, labels: number[], classes: number): Split {
  const shape = model.inputs[0]!.shape.slice(1) as number[];
  const width = shape.reduce((a, b) => a * b, 1);
  const size = 24;
  const values = ids
    ? Int32Array.from({ length: size * width }, () => random.integer(ids))
    : Float32Array.from({ length: size * width }, () => random.normal());
  const targets = Int32Array.from({ length: size * labels.reduce((a, b) => a * b, 1) }, () =>
    random.integer(classes),
  );
  return { size, x: { values, shape }, y: { values: targets, shape: labels } };
}

const text = { hidden: 16, heads: 2, vocabulary: 30, length: 8, positions: 8 } as const;
interface Case {
  readonly model: LayersModel;
  readonly ids?: number;
  readonly labels?: number[];
  readonly classes: number;
  readonly loss?: 'crossEntropy' | 'crossEntropyFromLogits';
}
const models: Record<string, Case> = {
  mlp: { model: mlp({ inputShape: [10], units: [16, 12], classes: 3, dropout: 0.1 }), classes: 3 },
  'lenet-5': { model: lenet5({ inputShape: [16, 16, 1], classes: 3 }), classes: 3 },
  'resnet-8': { model: resnet({ depth: 8, inputShape: [8, 8, 3], classes: 3 }), classes: 3 },
  bert: { model: bert({ ...text, layers: 2 }), ids: 30, classes: 2 },
  'language model': {
    model: bert({ ...text, layers: 1, head: 'language-model' }),
    ids: 30,
    labels: [8],
    classes: 30,
    loss: 'crossEntropyFromLogits',
  },
};
const configs: EngineConfig[] = [
  { zero: 0, microBatch: 8, optimizer: 'sgd' },
  { zero: 1, microBatch: 4, accumulation: 2, bucketSize: 100 },
  { zero: 2, microBatch: 6, bucketSize: 500, activationCheckpointing: true, optimizer: 'lamb' },
  { zero: 3, microBatch: 12, optimizer: { name: 'sgd', momentum: 0.9 } },
  {
    zero: 3,
    microBatch: 6,
    accumulation: 2,
    precision: 'bfloat16',
    activationCheckpointing: true,
    bucketSize: 200,
  },
];

describe.each(Object.entries(models))(
  'plan of %s',
  (_, { model, ids, labels = [], classes, loss = 'crossEntropy' }) => {
    const data = dataFor(model, ids, labels, classes);
    it.each(configs.map((config) => [JSON.stringify(config), config] as const))(
      'with %s is what is measured',
      async (_name, config) => {
        const before = memory().numTensors;
        const planned = plan(model, { ...config, loss }, { ranks: 2 });
        expect(memory().numTensors).toBe(before);
        const { results } = await simulate(2, async ({ comm }) => {
          const copy = await cloneModel(model);
          const engine = await initialize(copy, { ...config, loss }, { comm });
          const { sent } = engine.report();
          await engine.fit(data, { epochs: 0.5 });
          const report = engine.report();
          await engine.close();
          copy.dispose();
          return { ...report, perUpdate: (report.sent - sent) / report.updates };
        });
        for (const [rank, report] of results.entries()) {
          expect(report.bytes).toEqual(planned.bytes);
          expect(report.buffers).toEqual(planned.buffers);
          expect(report.perUpdate).toBe(planned.sent![rank]);
          expect(Math.abs(report.activations / planned.activations - 1)).toBeLessThan(0.02);
          expect(Math.abs(report.peak / planned.peak - 1)).toBeLessThan(0.02);
        }
      },
    );
  },
);

describe('plan', () => {
  it('has the table of the stages: 16P, 8P + 8P/N, 4P + 12P/N and 16P/N in float32; 16P, 4P + 12P/N, 2P + 14P/N in 16 bits', () => {
    const { model } = models['mlp']!; // P = 176 + 204 + 39 = 419, padded to 420
    const [p, n] = [419, 4];
    const total = (config: EngineConfig): number => plan(model, config, { ranks: n }).bytes.total;
    const padded = 420;
    const share = padded / n;
    expect([0, 1, 2, 3].map((zero) => total({ zero: zero as 0 }))).toEqual([
      4 * p + 12 * padded,
      4 * p + 4 * padded + 8 * share,
      4 * p + 12 * share,
      16 * share,
    ]);
    const half = { precision: 'bfloat16' } as const;
    expect([0, 1, 2, 3].map((zero) => total({ zero: zero as 0, ...half }))).toEqual([
      2 * p + 14 * padded,
      2 * p + 2 * padded + 12 * share,
      2 * p + 14 * share,
      16 * share,
    ]);
    expect(total({ offload: () => memoryStores()('states') })).toBe(4 * p + 4 * padded);
  });

  it('asks for an example where zeros would not do', () => {
    const { model } = models['mlp']!;
    const loss = (): never => {
      throw new Error('not called');
    };
    expect(() => plan(model, { loss })).toThrow('needs an example');
    expect(() => plan(model, {}, { ranks: 0 })).toThrow('ranks must be an integer ≥ 1, got 0');
  });
});
