import {
  input,
  io,
  layers,
  loadLayersModel,
  memory,
  model as makeModel,
  tensor,
  tidy,
  type LayersModel,
  type SymbolicTensor,
  type Tensor,
} from '@tensorflow/tfjs';
import { UnsupportedModelError, type Split } from '@ockham/core';
import { AttentionContext, AttentionProbabilities, bert, gpt } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { train, trainableVariables } from '@ockham/core/training';
import { describe, expect, it } from 'vitest';
import { initialize } from '../../src/index.ts';
import { SparseAttention, withSparseAttention, type BlockPattern } from '../../src/attention/index.ts';

const LENGTH = 24;
const decoder = (dropout = 0): LayersModel =>
  gpt({ vocabulary: 11, positions: LENGTH, layers: 2, hidden: 16, heads: 2, dropout, seed: 3 });
const encoder = (): LayersModel =>
  bert({
    ...{
      vocabulary: 11,
      positions: LENGTH,
      length: LENGTH,
      layers: 2,
      hidden: 16,
      heads: 2,
      intermediate: 32,
    },
    ...{ dropout: 0, attentionDropout: 0, head: 'sequence', seed: 3 },
  });

const random = new Random(5);
const ids = Int32Array.from({ length: 3 * LENGTH }, () => 1 + random.integer(10));
const texts: Split = {
  size: 3,
  x: { values: ids, shape: [LENGTH] },
  y: { values: ids, shape: [LENGTH] },
};
/** Ids, and segments for an encoder; the last third of the second text is padding. */
const tokens = (model: LayersModel): Tensor => {
  const padded = ids.map((id, i) => (i >= LENGTH && i < 2 * LENGTH && i % LENGTH >= 16 ? 0 : id));
  if (model.inputs[0]!.shape.length === 2) return tensor(ids, [3, LENGTH], 'int32');
  return tensor(Int32Array.from({ length: 6 * LENGTH }, (_, i) => (i % 2 ? 0 : padded[i >> 1]!)), [3, LENGTH, 2], 'int32'); // prettier-ignore
};
const answers = (model: LayersModel): Float32Array =>
  tidy(() => (model.predict(tokens(model)) as Tensor).dataSync<'float32'>().slice());
const apart = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

const whole: BlockPattern = { kind: 'dense', block: 8 };
const thin: BlockPattern = { kind: 'fixed', block: 4, local: 2 };

describe.each([
  ['GPT', () => decoder(), 'unidirectional'],
  ['BERT', encoder, 'bidirectional'],
] as const)('a %s with sparse attention', (_, make, attention) => {
  it('answers as before where all blocks are present, padding and later tokens hidden', async () => {
    const model = make();
    const sparse = await withSparseAttention(model, { ...whole, attention });
    expect(apart(answers(sparse), answers(model))).toBeLessThan(1e-5);
    const classes = sparse.layers.map((layer) => layer.getClassName());
    expect(classes.filter((name) => name === 'SparseAttention').length).toBe(2);
    expect(classes.some((name) => /AttentionProbabilities|AttentionContext|CausalMask/.test(name))).toBe(
      false,
    );
    expect(sparse.outputs[0]!.shape).toEqual(model.outputs[0]!.shape);
    model.dispose();
    sparse.dispose();
  });

  it('keeps the names and values of all weights, and the given model as it was', async () => {
    const model = make();
    const before = answers(model);
    const sparse = await withSparseAttention(model, { ...thin, attention });
    const named = (of: LayersModel) =>
      of.weights.map(({ originalName, shape }) => `${originalName} ${String(shape)}`);
    expect(named(sparse)).toEqual(named(model));
    for (const [i, weight] of sparse.weights.entries())
      expect(weight.read().dataSync()).toEqual(model.weights[i]!.read().dataSync());
    expect(apart(answers(sparse), before)).toBeGreaterThan(1e-5);
    expect(answers(model)).toEqual(before);
    model.dispose();
    sparse.dispose();
  });
});

it('a model is the same after it was saved and loaded, pattern, heads and all', async () => {
  const model = encoder();
  const pattern: BlockPattern = { kind: 'big-bird', block: 4, random: 1, perHead: true, seed: 9 };
  const sparse = await withSparseAttention(model, pattern);
  let held: io.ModelArtifacts | undefined;
  await sparse.save(io.withSaveHandler((artifacts) => {
    held = artifacts;
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } });
  })); // prettier-ignore
  const text = JSON.parse(JSON.stringify(held!.modelTopology)) as object;
  const loaded = await loadLayersModel(io.fromMemory({ ...held!, modelTopology: text }));
  const layer = loaded.layers.find((each) => each instanceof SparseAttention)!;
  expect(layer.pattern).toEqual(pattern);
  expect(answers(loaded)).toEqual(answers(sparse));
  for (const each of [model, sparse, loaded]) each.dispose();
});

it('a GPT sees no later token through a pattern of both directions', async () => {
  const model = decoder();
  const sparse = await withSparseAttention(model, { kind: 'longformer', block: 4 });
  const logits = (last: number): Float32Array =>
    tidy(() => {
      const text = Int32Array.from({ length: LENGTH }, (_, i) => (i === LENGTH - 1 ? last : 1 + (i % 9)));
      return (sparse.predict(tensor(text, [1, LENGTH], 'int32')) as Tensor).dataSync<'float32'>().slice();
    });
  const size = (LENGTH - 1) * 11;
  expect(logits(3).subarray(0, size)).toEqual(logits(7).subarray(0, size));
  expect(logits(3).subarray(size)).not.toEqual(logits(7).subarray(size));
  model.dispose();
  sparse.dispose();
});

it('trains as the dense model does where all blocks are present, and with dropout to the same bits for a seed', async () => {
  const options = { epochs: 2, batchSize: 2, loss: 'crossEntropyFromLogits', optimizer: { name: 'sgd', learningRate: 0.1 }, seed: 1 } as const; // prettier-ignore
  const [dense, base] = [decoder(), decoder()];
  const sparse = await withSparseAttention(base, { ...whole, attention: 'unidirectional' });
  await train(dense, texts, options);
  await train(sparse, texts, options);
  expect(apart(answers(sparse), answers(dense))).toBeLessThan(1e-4);
  const dropping = decoder(0.2);
  const runs: Float32Array[] = [];
  for (let i = 0; i < 2; i++) {
    const model = await withSparseAttention(dropping, thin);
    const layer = model.layers.find((each) => each instanceof SparseAttention)!;
    expect(layer.rate).toBe(0.2);
    const before = memory().numTensors;
    await train(model, texts, options);
    expect(memory().numTensors).toBe(before);
    runs.push(answers(model));
    model.dispose();
  }
  expect(runs[0]).toEqual(runs[1]);
  expect(apart(runs[0]!, answers(dropping))).toBeGreaterThan(1e-3);
  for (const model of [dense, base, sparse, dropping]) model.dispose();
});

it('trains in the engine of this package, whose tape is its own', async () => {
  const base = decoder();
  const sparse = await withSparseAttention(base, thin);
  const before = trainableVariables(sparse).map((variable) => variable.dataSync().slice());
  const engine = await initialize(sparse, { globalBatch: 3, loss: 'crossEntropyFromLogits', seed: 1 });
  const first = await engine.trainBatch(texts);
  const second = await engine.trainBatch(texts);
  expect(second).toBeLessThan(first);
  expect(trainableVariables(sparse).every((variable, i) => variable.dataSync().some((x, j) => x !== before[i]![j]))).toBe(true); // prettier-ignore
  await engine.close();
  base.dispose();
  sparse.dispose();
});

describe('a model is refused', () => {
  it('without attention, with the next step', async () => {
    const x = input({ shape: [4] });
    const model = makeModel({ inputs: x, outputs: layers.dense({ units: 2 }).apply(x) as SymbolicTensor });
    await expect(withSparseAttention(model, whole)).rejects.toThrow(UnsupportedModelError);
    await expect(withSparseAttention(model, whole)).rejects.toThrow('no AttentionProbabilities');
    model.dispose();
  });

  it('whose mask is of its own making', async () => {
    const x = input({ shape: [8, 4] });
    const mask = input({ shape: [1, 8, 8] });
    const p = new AttentionProbabilities({ heads: 2 }).apply([x, x, mask]) as SymbolicTensor;
    const y = new AttentionContext({ heads: 2 }).apply([p, x]) as SymbolicTensor;
    const model = makeModel({ inputs: [x, mask], outputs: y });
    await expect(withSparseAttention(model, whole)).rejects.toThrow('must come from PaddingMask or CausalMask, got InputLayer'); // prettier-ignore
    model.dispose();
  });

  it('that looks both ways, for a pattern that does not, and for a bad pattern', async () => {
    const model = encoder();
    await expect(withSparseAttention(model, { kind: 'fixed', attention: 'unidirectional' })).rejects.toThrow(
      'sees later tokens and the pattern is unidirectional',
    );
    await expect(withSparseAttention(model, { kind: 'fixed', local: 0 })).rejects.toThrow(
      'local of a fixed pattern',
    );
    model.dispose();
  });
});

it('a model within a model has its attention replaced, too', async () => {
  const inner = gpt({ vocabulary: 5, positions: 8, layers: 1, hidden: 4, heads: 2, seed: 1 });
  const text = input({ shape: [8] });
  const model = makeModel({ inputs: text, outputs: layers.dense({ units: 2 }).apply(inner.apply(text)) as SymbolicTensor }); // prettier-ignore
  const sparse = await withSparseAttention(model, { kind: 'dense', block: 4 });
  const given = tensor([0, 1, 2, 3, 4, 3, 2, 1], [1, 8]);
  const of = (each: LayersModel) => tidy(() => (each.predict(given) as Tensor).dataSync<'float32'>().slice());
  expect(apart(of(sparse), of(model))).toBeLessThan(1e-5);
  given.dispose();
  model.dispose();
  sparse.dispose();
});

it('a layer refuses a number of heads or a dropout that is out of range', () => {
  expect(() => new SparseAttention({ heads: 0, pattern: whole })).toThrow(
    'heads must be an integer ≥ 1, got 0',
  );
  expect(() => new SparseAttention({ heads: 1, pattern: whole, dropout: 1 })).toThrow(
    'dropout must be in [0, 1), got 1',
  );
  const layer = new SparseAttention({ heads: 3, pattern: whole });
  expect(() => layer.computeOutputShape([[null, 8, 4]])).toThrow('a multiple of heads = 3, got 4');
});
