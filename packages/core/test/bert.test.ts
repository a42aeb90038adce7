import * as tf from '@tensorflow/tfjs';
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '@ockham/core/backend/node';
import { readSafetensors, type NamedArrays } from '@ockham/core/files';
import { countFlops, countParameters, evaluate } from '@ockham/core/metrics';
import { maskChannels, removeChannels, traceChannels } from '@ockham/core/graph';
import {
  bert,
  cloneModel,
  loadWeights,
  maskedTokenLoss,
  pytorchBert,
  type BertOptions,
} from '@ockham/core/models';
import { flatLayers, train, trainableVariables, variableOf } from '@ockham/core/training';
import type { Split } from '@ockham/core';

const made: tf.LayersModel[] = [];
const keep = <M extends tf.LayersModel>(model: M): M => (made.push(model), model);
afterEach(() => {
  for (const model of made.splice(0)) model.dispose();
});

const SMALL = {
  layers: 2,
  hidden: 16,
  heads: 2,
  intermediate: 24,
  vocabulary: 23,
  positions: 9,
  length: 7,
} as const satisfies BertOptions;

const valuesOf = (model: tf.LayersModel) => model.weights.map((weight) => [...weight.read().dataSync()]);

describe('the model', () => {
  it('gives a language model’s probabilities of the token at each position', () => {
    const model = keep(bert({ ...SMALL, head: 'language-model', output: 'softmax', seed: 2 }));
    tf.tidy(() => {
      const sums = tf.sum(model.predict(tf.ones([2, 7], 'int32')) as tf.Tensor, -1);
      expect(sums.shape).toEqual([2, 7]);
      for (const sum of sums.dataSync()) expect(sum).toBeCloseTo(1, 5);
    });
  });

  it('has the parameter counts of the published sizes', async () => {
    const sizes = (options: BertOptions) => {
      const { hidden = 0, layers = 0, vocabulary = 0 } = options;
      const model = keep(bert({ ...options, head: 'pooled' }));
      const layer = 12 * hidden ** 2 + 13 * hidden;
      expect(model.countParams()).toBe(
        (vocabulary + 514) * hidden + 2 * hidden + layers * layer + hidden ** 2 + hidden,
      );
      return model.countParams();
    };
    expect(sizes({ preset: 'tiny', layers: 2, hidden: 128, vocabulary: 30522 })).toBe(4_385_920);
    sizes({ preset: 'mini', layers: 4, hidden: 256, vocabulary: 7 });
  });

  it('draws the same bits for the same seed, within two deviations of 0.02, and other weights for another', () => {
    const a = valuesOf(keep(bert({ ...SMALL, seed: 3 })));
    expect(valuesOf(keep(bert({ ...SMALL, seed: 3, dropout: 0 })))).toEqual(a);
    expect(valuesOf(keep(bert({ ...SMALL, seed: 4 })))[0]).not.toEqual(a[0]);
    const table = a[0]!;
    expect(table).toHaveLength(23 * 16);
    expect(Math.max(...table.map(Math.abs))).toBeLessThan(0.04 + 1e-6);
    const deviation = Math.sqrt(table.reduce((sum, value) => sum + value ** 2, 0) / table.length);
    expect(deviation).toBeGreaterThan(0.015);
    expect(deviation).toBeLessThan(0.02);
  });

  it('names its layers as the published checkpoints do', () => {
    const withWeights = (options: BertOptions) =>
      keep(bert({ ...SMALL, layers: 1, ...options }))
        .layers.filter((layer) => layer.weights.length > 0)
        .map((layer) => layer.name);
    expect(withWeights({})).toEqual([
      'embeddings/word_embeddings',
      'embeddings/token_type_embeddings',
      'embeddings/position_embeddings',
      'embeddings/LayerNorm',
      'encoder/layer_0/attention/self/query',
      'encoder/layer_0/attention/self/key',
      'encoder/layer_0/attention/self/value',
      'encoder/layer_0/attention/output/dense',
      'encoder/layer_0/attention/output/LayerNorm',
      'encoder/layer_0/intermediate/dense',
      'encoder/layer_0/output/dense',
      'encoder/layer_0/output/LayerNorm',
      'pooler/dense',
      'classifier',
    ]);
    expect(withWeights({ head: 'language-model' }).slice(-3)).toEqual([
      'cls/predictions/transform/dense',
      'cls/predictions/transform/LayerNorm',
      'cls/predictions',
    ]);
  });

  it('pays no attention to padding', () => {
    const model = keep(bert({ ...SMALL, length: null, seed: 5 }));
    tf.tidy(() => {
      const short = model.predict(tf.tensor2d([[2, 5, 3]], [1, 3], 'int32')) as tf.Tensor;
      const long = model.predict(tf.tensor2d([[2, 5, 3, 0, 0, 0]], [1, 6], 'int32')) as tf.Tensor;
      const empty = model.predict(tf.zeros([1, 4], 'int32')) as tf.Tensor;
      const [a, b] = [short.dataSync(), long.dataSync()];
      for (const [i, value] of a.entries()) expect(b[i]).toBeCloseTo(value, 6);
      expect([...empty.dataSync()].every(Number.isFinite)).toBe(true);
    });
  });

  it('takes a table of word vectors from outside, and refuses one of another width', () => {
    const table = (outputDim: number) => (args: { vocabulary: number; name: string }) =>
      tf.layers.embedding({ inputDim: args.vocabulary, outputDim, name: args.name, trainable: false });
    const model = keep(bert({ ...SMALL, wordEmbeddings: table(SMALL.hidden) }));
    expect(model.getLayer('embeddings/word_embeddings').trainable).toBe(false);
    expect(() => bert({ ...SMALL, wordEmbeddings: table(5) })).toThrow(/hidden = 16, got \[,.*5\]/);
  });

  it('is cloned, and saved and loaded, with the same outputs', async () => {
    for (const head of ['classifier', 'language-model'] as const) {
      const model = keep(bert({ ...SMALL, head, seed: 6, input: 'ids-and-types' }));
      let artifacts: tf.io.ModelArtifacts | undefined;
      await model.save(
        tf.io.withSaveHandler(async (saved) => {
          artifacts = saved;
          return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
        }),
      );
      const text = JSON.parse(
        JSON.stringify(artifacts!.modelTopology),
      ) as tf.io.ModelArtifacts['modelTopology'];
      const stored = tf.io.fromMemory({ ...artifacts!, modelTopology: text! });
      const loaded = keep(await tf.loadLayersModel(stored));
      const clone = keep(await cloneModel(model));
      const tokens = tf.tensor3d(
        [[2, 5, 17, 3, 22, 3, 0].map((id, i) => [id, i > 3 ? 1 : 0])],
        [1, 7, 2],
        'int32',
      );
      const outputs = [model, loaded, clone].map((one) =>
        tf.tidy(() => [...(one.predict(tokens) as tf.Tensor).dataSync()]),
      );
      tokens.dispose();
      expect(outputs[1]).toEqual(outputs[0]);
      expect(outputs[2]).toEqual(outputs[0]);
      expect(loaded.countParams()).toBe(model.countParams());
    }
  });

  it('has its parameters and FLOPs counted in full, the shared table once', async () => {
    const [t, h, f, v, layers] = [7, 16, 24, 23, 2];
    const macs = layers * t * (4 * h * h + 2 * h * f);
    const classifier = await countFlops(keep(bert({ ...SMALL, classes: 3 })));
    expect(classifier.unknown).toEqual([]);
    expect(classifier.macs).toBe(macs + h * h + 3 * h);
    const attention = classifier.layers.filter(({ className }) => /^Attention/.test(className));
    const scores = 2 * t * t;
    expect(attention.map(({ flops }) => flops)).toEqual(
      [0, 1].flatMap(() => [2 * h * t * t + t * h + 4 * scores, 2 * h * t * t]),
    );
    const language = keep(bert({ ...SMALL, head: 'language-model' }));
    const counted = await countFlops(language);
    expect(counted.unknown).toEqual([]);
    expect(counted.macs).toBe(macs + t * h * h + t * h * v);
    const { parameters, layers: rows } = await countParameters(language);
    expect(parameters).toBe(language.countParams());
    expect(rows.filter(({ name }) => name === 'embeddings/word_embeddings')).toHaveLength(1);
  });

  it('has heads and feed-forward neurons that are removed for good, and freezes what its layers are added to', async () => {
    const model = keep(bert({ ...SMALL, seed: 8 }));
    const { groups } = traceChannels(model);
    const free = groups.filter(({ frozen }) => frozen === undefined).map(({ id }) => id);
    expect(free).toEqual([
      'encoder/layer_0/attention/self/query',
      'encoder/layer_0/intermediate/dense',
      'encoder/layer_1/attention/self/query',
      'encoder/layer_1/intermediate/dense',
      'pooler/dense',
    ]);
    const removals = new Map([['encoder/layer_0/intermediate/dense', [0, 3, 4, 23]]]);
    const masked = keep(await maskChannels(model, removals));
    const { model: smaller } = await removeChannels(model, removals);
    keep(smaller);
    expect(smaller.countParams()).toBe(model.countParams() - 4 * (16 + 1 + 16));
    const tokens = tf.tensor2d([[2, 5, 17, 3, 22, 3, 0]], [1, 7], 'int32');
    const [a, b] = [masked, smaller].map((one) =>
      tf.tidy(() => (one.predict(tokens) as tf.Tensor).dataSync()),
    );
    tokens.dispose();
    for (const [i, value] of a!.entries()) expect(b![i]).toBeCloseTo(value, 6);
  });

  it('refuses a text longer than its positions when it sees one', () => {
    const model = keep(bert({ ...SMALL, length: null }));
    tf.tidy(() => {
      expect(() => model.predict(tf.ones([1, 10], 'int32'))).toThrow(/at most 9 tokens, got 10/);
    });
  });

  it('refuses options out of range before anything is made', () => {
    const before = tf.memory().numTensors;
    expect(() => bert({ preset: 'large' as never })).toThrow(
      /preset must be one of tiny, mini, small, medium, base/,
    );
    expect(() => bert({ hidden: 10, heads: 3 })).toThrow(/hidden must be a multiple of heads = 3, got 10/);
    expect(() => bert({ length: 600 })).toThrow(/length must be in \[1, positions\] = \[1, 512\], got 600/);
    expect(() => bert({ layers: 0 })).toThrow(/layers must be an integer ≥ 1, got 0/);
    expect(() => bert({ attentionDropout: 1 })).toThrow(/attentionDropout must be in \[0, 1\), got 1/);
    expect(() => bert({ head: 'qa' as never })).toThrow(/head must be one of sequence, pooled/);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe.each(['wasm', 'cpu'] as const)('with PyTorch’s weights on the %s engine', (engine) => {
  let arrays: NamedArrays;
  const values = (name: string) => Float32Array.from(arrays.get(name)!.values as Iterable<number>);
  const tokens = (packed: boolean) =>
    tf.tidy(() => {
      const read = (name: string) => tf.tensor2d(Int32Array.from(values(name)), [3, 7], 'int32');
      return packed ? tf.stack([read('in/ids'), read('in/types')], -1) : read('in/ids');
    });
  const model = (options: BertOptions) => {
    const made = keep(
      bert({
        ...SMALL,
        classes: 3,
        dropout: 0,
        attentionDropout: 0,
        input: 'ids-and-types',
        output: 'logits',
        ...options,
      }),
    );
    loadWeights(made, arrays, { naming: pytorchBert(), ignore: /./ });
    return made;
  };
  const compare = (actual: tf.Tensor, name: string, tolerance: number, layout: 'same' | 'oi' = 'same') => {
    const wanted = values(name);
    const given = (layout === 'oi' ? tf.transpose(actual) : actual).dataSync<'float32'>();
    expect(given).toHaveLength(wanted.length);
    const worst = given.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i]!)), 0);
    expect(worst, name).toBeLessThan(tolerance);
  };

  beforeAll(async () => {
    await useBackend(engine);
    arrays = readSafetensors(await readFile(new URL('fixtures/bert/bert.safetensors', import.meta.url)));
  });
  afterAll(() => useBackend((process.env['OCKHAM_ENGINE'] ?? 'auto') as 'auto'));

  it('gives PyTorch’s outputs at real tokens', () => {
    tf.tidy(() => {
      const x = tokens(true);
      const real = tf.cast(tf.notEqual(tf.tensor2d(values('in/ids'), [3, 7]), 0), 'float32').expandDims(-1);
      const sequence = (name: string, options: BertOptions) => {
        const wanted = tf.tensor3d(values(name), [3, 7, 16]);
        const given = model({ head: 'sequence', ...options }).predict(x) as tf.Tensor;
        expect(tf.max(tf.abs(tf.mul(tf.sub(given, wanted), real))).dataSync()[0]).toBeLessThan(1e-5);
      };
      sequence('out/sequence', {});
      sequence('out/tanh', { activation: 'gelu-tanh' });
      compare(model({ head: 'pooled' }).predict(x) as tf.Tensor, 'out/pooled', 1e-5);
      compare(model({}).predict(x) as tf.Tensor, 'out/logits', 1e-5);
      compare(model({ input: 'ids' }).predict(tokens(false)) as tf.Tensor, 'out/single', 1e-5);
    });
  });

  it('takes an encoder’s weights alone, and keeps a new classifier', async () => {
    const fresh = keep(bert({ ...SMALL, input: 'ids-and-types', seed: 9 }));
    const classifier = fresh.getLayer('classifier').getWeights()[0]!;
    const before = [...(await classifier.data())];
    const { output } = fresh.getLayer('pooler/dense');
    const encoder = tf.model({ inputs: fresh.inputs, outputs: output });
    loadWeights(encoder, arrays, {
      naming: pytorchBert(),
      ignore: /^(cls|classifier|in|out|grad|tokens_grad)\W/,
    });
    tf.tidy(() => compare(encoder.predict(tokens(true)) as tf.Tensor, 'out/pooled', 1e-5));
    expect([...(await fresh.getLayer('classifier').getWeights()[0]!.data())]).toEqual(before);
  });

  it('gives PyTorch’s loss and gradients of a classifier', () => {
    const classifier = model({});
    tf.tidy(() => {
      const x = tokens(true);
      const labels = tf.oneHot(tf.tensor1d(Int32Array.from(values('in/labels')), 'int32'), 3).cast('float32');
      const { value, grads } = tf.variableGrads(
        () => tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(labels, classifier.apply(x) as tf.Tensor),
        trainableVariables(classifier),
      );
      compare(value, 'out/loss', 1e-5);
      let compared = 0;
      for (const layer of flatLayers(classifier)) {
        for (const weight of layer.weights) {
          const source = pytorchBert()(layer, weight.originalName.split('/').at(-1)!)!;
          const gradient = grads[variableOf(weight).name]!;
          compare(gradient, `grad/${source.name}`, 1e-4, source.layout as 'oi');
          compared++;
        }
      }
      expect(compared).toBe([...arrays.keys()].filter((name) => name.startsWith('grad/')).length);
    });
  });

  it('gives PyTorch’s loss and gradients of a masked language model with a tied table', () => {
    const language = model({ head: 'language-model' });
    tf.tidy(() => {
      const x = tokens(true);
      const ids = Int32Array.from(values('in/targets'), (id) => Math.max(-1, id));
      const targets = tf.tensor2d(ids, [3, 7], 'int32');
      const { value, grads } = tf.variableGrads(
        () => maskedTokenLoss(targets, language.apply(x) as tf.Tensor) as tf.Scalar,
        trainableVariables(language),
      );
      compare(value, 'out/tokens_loss', 1e-5);
      const names = [...arrays.keys()].filter((name) => name.startsWith('tokens_grad/'));
      for (const layer of flatLayers(language)) {
        for (const weight of layer.weights) {
          const source = pytorchBert()(layer, weight.originalName.split('/').at(-1)!)!;
          const index = names.indexOf(`tokens_grad/${source.name}`);
          if (index < 0) continue;
          compare(grads[variableOf(weight).name]!, names[index]!, 1e-4, source.layout as 'oi');
          names.splice(index, 1);
        }
      }
      expect(names).toEqual([]);
    });
  });
});

describe('training', () => {
  /** Sentences of filler words with one of two kinds of cue; the label is the kind. 0 padding, 1 start, 2 end. */
  const sentences = (count: number, length: number): Split => {
    const x = new Int32Array(count * length);
    const y = Int32Array.from({ length: count }, (_, i) => i % 2);
    for (let i = 0; i < count; i++) {
      const words = 3 + (i % (length - 5));
      x[i * length] = 1;
      for (let j = 1; j <= words; j++) x[i * length + j] = 10 + ((i * 7 + j * 5) % 30);
      x[i * length + 1 + (i % words)] = 3 + 3 * y[i]! + (i % 3); // cue words 3–5 and 6–8
      x[i * length + words + 1] = 2;
    }
    return { size: count, x: { values: x, shape: [length] }, y: { values: y, shape: [] } };
  };
  const sizes = { vocabulary: 40, positions: 12, length: 12 } as const;

  it('fits sixteen short sentences with BERT-tiny, without a tensor left over', async () => {
    const data = sentences(16, 12);
    const model = keep(bert({ ...sizes, preset: 'tiny', seed: 1 }));
    const before = tf.memory().numTensors;
    const { epochs } = await train(model, data, {
      epochs: 14,
      batchSize: 16,
      optimizer: { name: 'adam', learningRate: 2e-3 },
      seed: 1,
    });
    expect(tf.memory().numTensors).toBe(before);
    expect(epochs[0]!.loss).toBeGreaterThan(0.5);
    expect(epochs.at(-1)!.loss).toBeLessThan(0.1);
    expect((await evaluate(model, data)).accuracy).toBe(1);
  });

  it('repeats every bit of its dropout, that of attention too, from the seed', async () => {
    const data = sentences(8, 12);
    const run = async (seed: number, rates: BertOptions) => {
      const model = keep(bert({ ...SMALL, ...sizes, ...rates, seed: 2 }));
      await train(model, data, {
        epochs: 2,
        batchSize: 4,
        seed,
        shuffle: false,
      });
      return valuesOf(model);
    };
    const attention = { dropout: 0, attentionDropout: 0.3 };
    const first = await run(1, attention);
    expect(await run(1, attention)).toEqual(first);
    expect(await run(2, attention)).not.toEqual(first);
    expect(await run(1, { dropout: 0, attentionDropout: 0 })).not.toEqual(first);
  });

  it('learns to fill a gap, and a batch with nothing to predict costs nothing', async () => {
    // the word after 3 is always 5, and after 4 always 6; 9 stands for a hidden word
    const x = Int32Array.from([1, 3, 9, 2, 1, 4, 9, 2]);
    const y = Int32Array.from([-1, -1, 5, -1, -1, -1, 6, -1]);
    const data: Split = { size: 2, x: { values: x, shape: [4] }, y: { values: y, shape: [4] } };
    const model = keep(
      bert({ ...SMALL, head: 'language-model', length: 4, dropout: 0, attentionDropout: 0 }),
    );
    const { epochs } = await train(model, data, {
      epochs: 60,
      loss: maskedTokenLoss,
      optimizer: { name: 'adam', learningRate: 0.01 },
    });
    expect(epochs.at(-1)!.loss).toBeLessThan(0.1);
    tf.tidy(() => {
      const nothing = maskedTokenLoss(tf.fill([2, 4], -1, 'int32'), tf.zeros([2, 4, 23]));
      expect(nothing.dataSync()[0]).toBe(0);
    });
  });
});
