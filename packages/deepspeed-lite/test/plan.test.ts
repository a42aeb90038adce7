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

const onMeshes: readonly (readonly [keyof typeof models, EngineConfig])[] = [
  ['mlp', { mesh: { tensor: 2 }, zero: 2, microBatch: 4, accumulation: 2 }],
  ['mlp', { mesh: { pipeline: 3 }, microBatch: 3, accumulation: 4, optimizer: 'sgd' }],
  ['mlp', { mesh: { pipeline: 2 }, optimizer: { name: 'oneBitAdam', warmupSteps: 2 }, microBatch: 3, accumulation: 4 }],
  ['lenet-5', { mesh: { pipeline: 2 }, zero: 1, schedule: 'gpipe', microBatch: 3, accumulation: 3 }],
  ['resnet-8', { mesh: { pipeline: 2 }, schedule: 'interleaved', microBatch: 3, accumulation: 3, bucketSize: 64 }],
  ['resnet-8', { mesh: { pipeline: 3 }, zero: 3, activationCheckpointing: 'split', microBatch: 3, accumulation: 4 }],
  ['bert', { mesh: { tensor: 2 }, activationCheckpointing: 'split', microBatch: 4, optimizer: 'lamb' }],
  ['bert', { mesh: { tensor: 2, pipeline: 2 }, zero: 3, microBatch: 2, accumulation: 3 }],
  ['bert', { mesh: { tensor: 2, pipeline: 2 }, zero: 2, schedule: 'interleaved', activationCheckpointing: 'split', microBatch: 2, accumulation: 3, precision: 'bfloat16' }],
  ['language model', { mesh: { tensor: 2 }, zero: 1, microBatch: 4, offload: () => memoryStores()('states') }],
  ['language model', { mesh: { pipeline: 2 }, zero: 3, microBatch: 3, accumulation: 4, activationCheckpointing: true }],
  ['language model', { mesh: { tensor: 2, pipeline: 2 }, microBatch: 2, accumulation: 3, schedule: 'gpipe', activationCheckpointing: 'split' }],
]; // prettier-ignore

/** Plans, trains, and compares rank by rank. */
async function compare(name: keyof typeof models, given: EngineConfig, ranks: number): Promise<void> {
  const { model, ids, labels = [], classes, loss = 'crossEntropy' } = models[name]!;
  const config = { ...given, loss };
  const data = dataFor(model, ids, labels, classes);
  const before = memory().numTensors;
  const planned = plan(model, config, { ranks });
  expect(memory().numTensors).toBe(before);
  const { results } = await simulate(ranks, async ({ comm }) => {
    const copy = await cloneModel(model);
    const engine = await initialize(copy, config, { comm });
    const first = engine.report();
    await engine.fit(data, { epochs: 0.5 });
    const report = engine.report();
    await engine.close();
    copy.dispose();
    const { updates } = report;
    const { tensor = 0, pipeline = 0 } = report.sentAlong ?? {};
    const along = { tensor: tensor / updates, pipeline: pipeline / updates };
    return { ...report, perUpdate: (report.sent - first.sent) / updates, along };
  });
  for (const [rank, report] of results.entries()) {
    const each = planned.each[rank]!;
    expect(report.bytes).toEqual(each.bytes);
    expect(report.buffers).toEqual(each.buffers);
    if (each.sent !== undefined) expect(report.perUpdate).toBe(each.sent);
    expect(report.along).toEqual(each.sentAlong);
    expect(Math.abs(report.activations / each.activations - 1)).toBeLessThan(0.02);
    expect(Math.abs(report.peak / each.peak - 1)).toBeLessThan(0.02);
  }
  expect(planned.peak).toBe(Math.max(...planned.each.map(({ peak }) => peak)));
}

describe.each(Object.keys(models))('plan of %s', (name) => {
  it.each(configs.map((config) => [JSON.stringify(config), config] as const))(
    'with %s is what is measured',
    async (_name, config) => compare(name, config, 2),
  );
});

describe('plan for a mesh', () => {
  it.each(onMeshes.map(([name, config]) => [name, JSON.stringify(config), config] as const))(
    'of %s with %s is what every rank measures, along every axis',
    async (name, _title, config) => {
      const { tensor = 1, pipeline = 1 } = config.mesh!;
      await compare(name, config, 2 * tensor * pipeline);
    },
  );

  it('runs nothing that it must not, and leaves a model as it was', () => {
    const { model } = models['resnet-8']!;
    const before = model.getWeights().map((weight) => weight.dataSync().slice());
    plan(model, { mesh: { pipeline: 2 }, microBatch: 2 }, { ranks: 2 });
    expect(model.getWeights().map((weight) => weight.dataSync())).toEqual(before);
    expect(() => plan(model, { mesh: { tensor: 2 } }, { ranks: 2 })).toThrow('can be split on 2 ranks');
    expect(() => plan(model, { mesh: { pipeline: 99 } }, { ranks: 99 })).toThrow('plan: 99 pipeline ranks');
  });
});

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
