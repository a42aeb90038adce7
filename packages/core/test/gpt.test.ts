import * as tf from '@tensorflow/tfjs';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors, type NamedArrays } from '@ockham/core/files';
import { countFlops } from '@ockham/core/metrics';
import { cloneModel, gpt, type GptOptions } from '@ockham/core/models';
import { train, trainableVariables, variableOf, type Layer } from '@ockham/core/training';

const made: tf.LayersModel[] = [];
const keep = (model: tf.LayersModel): tf.LayersModel => (made.push(model), model);
afterEach(() => {
  for (const model of made.splice(0)) {
    const variables = new Set(model.weights.map(variableOf)); // TensorFlow.js forgets those of a layer that is called twice
    model.dispose();
    for (const variable of variables) if (!variable.isDisposed) variable.dispose();
  }
});

const SMALL = { vocabulary: 23, hidden: 12, heads: 3, intermediate: 20, layers: 2, positions: 9, length: null, dropout: 0 } as const satisfies GptOptions; // prettier-ignore

describe('gpt', () => {
  let arrays: NamedArrays;
  beforeAll(async () => {
    arrays = readSafetensors(await readFile(new URL('fixtures/gpt/gpt.safetensors', import.meta.url)));
  });
  const values = (name: string): Float32Array => Float32Array.from(arrays.get(name)!.values as Float32Array);
  const compare = (given: tf.Tensor, name: string, tolerance: number): void => {
    const wanted = values(name);
    const found = given.dataSync<'float32'>();
    expect(found.length, name).toBe(wanted.length);
    const worst = found.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i]!)), 0);
    expect(worst, name).toBeLessThan(tolerance);
  };
  /** The published name of one of our weights. */
  const published = (layer: Layer, weight: string): string => {
    const part = layer.name
      .replace('h_', 'h.')
      .replace('attn/projection', 'attn/c_proj')
      .replace('mlp/expand', 'mlp/c_fc')
      .replace('mlp/project', 'mlp/c_proj')
      .replaceAll('/', '.');
    return `${part}.${weight === 'bias' || weight === 'beta' ? 'bias' : 'weight'}`;
  };
  const forEachWeight = (
    model: tf.LayersModel,
    visit: (variable: tf.Variable, name: string) => void,
  ): number => {
    let count = 0;
    for (const layer of model.layers)
      for (const weight of layer.weights) {
        visit(variableOf(weight), published(layer, weight.originalName.split('/').at(-1)!));
        count += 1;
      }
    return count;
  };
  const pytorch = (): tf.LayersModel => {
    const model = keep(gpt(SMALL));
    tf.tidy(() => {
      forEachWeight(model, (variable, name) =>
        variable.assign(tf.tensor(values(`weight/${name}`), variable.shape)),
      );
    });
    return model;
  };
  const ids = (): tf.Tensor => tf.tensor2d(Int32Array.from(values('in/ids')), [2, 7], 'int32');

  it('gives PyTorch’s logits, loss and gradients', () => {
    const model = pytorch();
    tf.tidy(() => {
      compare(model.predict(ids()) as tf.Tensor, 'out/logits', 1e-4);
      const right = tf
        .oneHot(tf.tensor2d(Int32Array.from(values('in/targets')), [2, 7], 'int32'), 23)
        .cast('float32');
      const { value, grads } = tf.variableGrads(
        () => tf.losses.softmaxCrossEntropy(right, model.apply(ids()) as tf.Tensor).asScalar(),
        trainableVariables(model),
      );
      compare(value, 'out/loss', 1e-4);
      const count = forEachWeight(model, (variable, name) =>
        compare(grads[variable.name]!, `grad/${name}`, 2e-4),
      );
      expect(count).toBe([...arrays.keys()].filter((name) => name.startsWith('grad/')).length);
    });
  });

  it('sees nothing of what comes later', () => {
    const model = pytorch();
    tf.tidy(() => {
      const given = [2, 5, 17, 3, 22, 9, 3];
      const logits = (tokens: number[]) => (model.predict(tf.tensor2d([tokens], [1, 7], 'int32')) as tf.Tensor).arraySync() as number[][][]; // prettier-ignore
      const other = logits([...given.slice(0, 4), 11, 0, 20]);
      expect(other[0]!.slice(0, 4)).toEqual(logits(given)[0]!.slice(0, 4));
      expect(other[0]![4]).not.toEqual(logits(given)[0]![4]);
    });
  });

  it('gives each layer to `around`, and is the same where that changes nothing', () => {
    const seen: number[] = [];
    const wrapped = keep(gpt({ ...SMALL, around: (i, x, layer) => (seen.push(i), layer(x)) }));
    const skipping = keep(gpt({ ...SMALL, around: (i, x, layer) => (i === 0 ? x : layer(x)) }));
    const model = keep(gpt(SMALL));
    expect(seen).toEqual([0, 1]);
    expect(skipping.layers.some(({ name }) => name.startsWith('h_0'))).toBe(false);
    tf.tidy(() => {
      const given = tf.tensor2d([[2, 5, 17, 3]], [1, 4], 'int32');
      const logits = (each: tf.LayersModel) => (each.predict(given) as tf.Tensor).dataSync();
      expect(logits(wrapped)).toEqual(logits(model));
      expect(logits(skipping)).not.toEqual(logits(model));
    });
  });

  it('starts as the paper says: all words about equally likely, branches scaled by the depth', () => {
    const model = keep(gpt({ vocabulary: 50, hidden: 64, seed: 3 }));
    tf.tidy(() => {
      const logits = model.predict(tf.zeros([1, 64], 'int32')) as tf.Tensor;
      const entropy = tf.mean(tf.logSumExp(logits, -1)).dataSync()[0]!;
      expect(Math.abs(entropy - Math.log(50))).toBeLessThan(0.1);
      const deviation = (name: string) => Math.sqrt(tf.mean(tf.square(model.getLayer(name).getWeights()[0]!)).dataSync()[0]!); // prettier-ignore
      expect(deviation('h_0/mlp/project') / deviation('h_0/mlp/expand')).toBeCloseTo(1 / Math.sqrt(8), 1);
    });
  });

  it('learns a sequence, and is the same after a copy', async () => {
    const model = keep(gpt({ ...SMALL, layers: 1, length: 6, dropout: 0.1, seed: 4 }));
    const count = 64;
    const x = Int32Array.from({ length: count * 6 }, (_, i) => (Math.floor(i / 6) + (i % 6)) % 23);
    const y = x.map((token) => (token + 1) % 23);
    const data = { size: count, x: { values: x, shape: [6] }, y: { values: y, shape: [6] } };
    const options = { epochs: 15, batchSize: 16, loss: 'crossEntropyFromLogits', seed: 1 } as const;
    const { epochs } = await train(model, data, {
      ...options,
      optimizer: { name: 'adam', learningRate: 0.02 },
    });
    expect(epochs.at(-1)!.loss).toBeLessThan(0.2 * epochs[0]!.loss);
    const copy = keep(await cloneModel(model));
    tf.tidy(() => {
      const given = tf.tensor2d(x.subarray(0, 12), [2, 6], 'int32');
      expect((copy.predict(given) as tf.Tensor).dataSync()).toEqual(
        (model.predict(given) as tf.Tensor).dataSync(),
      );
    });
    expect((await countFlops(model)).unknown).toEqual([]);
  });

  it.each<[GptOptions, RegExp]>([
    [{ hidden: 10, heads: 4 }, /hidden must be a multiple of heads = 4, got 10/],
    [{ vocabulary: 1 }, /vocabulary must be an integer ≥ 2, got 1/],
    [{ positions: 8, length: 9 }, /length must be in \[1, positions\] = \[1, 8\], got 9/],
    [{ dropout: 1 }, /dropout must be in \[0, 1\)/],
    [{ layers: 0 }, /layers must be an integer ≥ 1, got 0/],
  ])('refuses %o', (options, message) => {
    expect(() => gpt(options)).toThrow(message);
  });
});
