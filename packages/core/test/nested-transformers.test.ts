import {
  input,
  io,
  layers,
  loadLayersModel,
  model as makeModel,
  tensor,
  tidy,
  type LayersModel,
  type SymbolicTensor,
  type Tensor,
} from '@tensorflow/tfjs';
import { ArgumentError } from '@ockham/core';
import { bert, gpt, type BertOptions } from '@ockham/core/models';
import { describe, expect, it } from 'vitest';

const LENGTH = 5;
const sizes = { vocabulary: 13, positions: 9, layers: 1, hidden: 8, heads: 2, intermediate: 12, seed: 3 };
const encoder = (options: BertOptions = {}): LayersModel =>
  bert({ ...sizes, length: LENGTH, activation: 'gelu-tanh', ...options });

const answers = (model: LayersModel): Float32Array =>
  tidy(() => {
    const [, ...shape] = model.inputs[0]!.shape as number[];
    const size = shape.reduce((a, b) => a * b, 2);
    const ids = Int32Array.from({ length: size }, (_, i) => (shape.length === 1 || i % 2 === 0 ? i % 12 : 1));
    return (model.predict(tensor(ids, [2, ...shape], 'int32')) as Tensor).dataSync<'float32'>().slice();
  });

/** Saved, written as JSON, read and loaded. */
async function reloaded(model: LayersModel): Promise<LayersModel> {
  let saved: io.ModelArtifacts | undefined;
  const modelArtifactsInfo = { dateSaved: new Date(0), modelTopologyType: 'JSON' } as const;
  await model.save(
    io.withSaveHandler((artifacts) => {
      saved = artifacts;
      return Promise.resolve({ modelArtifactsInfo });
    }),
  );
  const modelTopology = JSON.parse(JSON.stringify(saved!.modelTopology)) as object;
  return loadLayersModel(io.fromMemory({ ...saved!, modelTopology }));
}

describe.each([
  ['a GPT', () => gpt({ ...sizes, length: LENGTH })],
  ['a BERT with the tanh form of GELU', () => encoder()],
  ['a BERT of ids and types', () => encoder({ input: 'ids-and-types' })],
  ['a BERT that predicts words', () => encoder({ head: 'language-model' })],
])('%s', (_, make) => {
  it('is the same after it was saved and loaded, and after that once more', async () => {
    const model = make();
    const once = await reloaded(model);
    const twice = await reloaded(once);
    expect(answers(once)).toEqual(answers(model));
    expect(answers(twice)).toEqual(answers(model));
    expect(twice.toJSON()).toBe(once.toJSON());
    for (const each of [model, once, twice]) each.dispose();
  });

  it('is called within another model, which is saved and loaded, too', async () => {
    const inner = make();
    const tokens = input({ shape: inner.inputs[0]!.shape.slice(1), dtype: 'int32' });
    const y = inner.apply(tokens) as SymbolicTensor;
    expect(y.shape).toEqual(inner.outputs[0]!.shape);
    const model = makeModel({ inputs: tokens, outputs: layers.activation({ activation: 'linear' }).apply(y) as SymbolicTensor }); // prettier-ignore
    expect(answers(model)).toEqual(answers(inner));
    const again = await reloaded(model);
    expect(answers(again)).toEqual(answers(model));
    for (const each of [again, model]) each.dispose();
  });
});

it.each([5, null])(
  'a BERT of ids within a model of ids and types is refused by name, text of length %s',
  (length) => {
    const inner = encoder({ length });
    const packed = input({ shape: [length, 2], dtype: 'int32' });
    expect(() => inner.apply(packed)).toThrow(
      /token_type_ids: tokens must be ids, \[batch, length\], got \[, .*input: 'ids-and-types'/,
    );
    expect(() => inner.apply(tensor([1, 0, 2, 0], [1, 2, 2], 'int32'))).toThrow(ArgumentError);
    inner.dispose();
  },
);
