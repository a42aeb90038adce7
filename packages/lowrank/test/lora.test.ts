import {
  add,
  dispose,
  input,
  io,
  layers,
  loadLayersModel,
  matMul,
  memory,
  model as functional,
  mul,
  profile,
  sequential,
  tensor,
  tidy,
  variableGrads,
  type LayersModel,
  type Scalar,
  type SymbolicTensor,
  type Tensor,
  type Tensor2D,
} from '@tensorflow/tfjs';
import { ArgumentError, NonFiniteError, UnsupportedModelError, type Split } from '@ockham/core';
import { memoryStore } from '@ockham/core/files';
import { bert, cloneModel } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { lossFunction, train, trainableVariables } from '@ockham/core/training';
import { describe, expect, it } from 'vitest';
import { applyLora, formatLoraReport, loraPlus, loraReport, type LoraOptions } from '../src/index.ts';
import { loraOf } from '../src/lora/lora-state.ts';

const random = new Random(2);

/** Seeded initial weights would need a seed for each layer. */
function scatter(model: LayersModel): LayersModel {
  tidy(() =>
    model.setWeights(
      model.getWeights().map((w) =>
        tensor(
          Float32Array.from({ length: w.size }, () => Math.abs(random.normal(0, 0.4)) + 0.05),
          w.shape,
        ),
      ),
    ),
  );
  return model;
}

const mlp = (): LayersModel =>
  scatter(
    sequential({
      layers: [
        layers.dense({ name: 'first', inputShape: [6], units: 8, activation: 'tanh' }),
        layers.dense({ name: 'last', units: 3 }),
      ],
    }),
  );

const images = (): LayersModel =>
  scatter(
    sequential({
      layers: [
        layers.conv2d({
          name: 'conv',
          inputShape: [8, 8, 2],
          filters: 4,
          kernelSize: 3,
          strides: 2,
          padding: 'same',
        }),
        layers.batchNormalization({ name: 'norm' }),
        layers.depthwiseConv2d({ name: 'depthwise', kernelSize: 2 }),
        layers.flatten(),
        layers.dense({ name: 'head', units: 2 }),
      ],
    }),
  );

function split(model: LayersModel, size = 12): Split {
  const shape = model.inputs[0]!.shape.slice(1) as number[];
  const width = shape.reduce((product, d) => product * d, 1);
  const classes = model.outputs[0]!.shape.at(-1)!;
  return {
    size,
    x: { values: Float32Array.from({ length: size * width }, () => random.normal()), shape },
    y: { values: Int32Array.from({ length: size }, (_, i) => i % classes), shape: [] },
  };
}

const inputs = (data: Split): Tensor => tensor(data.x.values as Float32Array, [data.size, ...data.x.shape]);
const predict = (model: LayersModel, x: Tensor): number[] =>
  tidy(() => [...(model.predict(x) as Tensor).dataSync()]);
const bits = (model: LayersModel): string =>
  model.weights
    .map((w) => new Uint32Array((w.read().dataSync() as Float32Array).slice().buffer).join())
    .join('|');
const farthest = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

const fit = (model: LayersModel, data: Split, epochs = 3) =>
  train(model, data, {
    epochs,
    batchSize: 4,
    loss: 'crossEntropyFromLogits',
    optimizer: { name: 'adam', learningRate: 0.02 },
    seed: 3,
  });

const variants: readonly [string, LoraOptions][] = [
  ['one head', {}],
  ['three heads', { heads: 3 }],
  ['α/√r', { rsLora: true }],
  ['dropout', { dropout: 0.3 }],
  ['DoRA', { dora: true }],
  ['PiSSA', { init: 'pissa' }],
];

describe('applyLora', () => {
  it.each(variants)('with %s starts as the base, trains, and leaves the base’s bits', async (_, options) => {
    for (const [make, targets] of [
      [mlp, ['first', 'last']],
      [images, ['conv', 'head']],
    ] as const) {
      const base = make();
      const data = split(base);
      const x = inputs(data);
      const before = bits(base);
      const output = predict(base, x);
      const start = memory().numTensors;
      const adapted = applyLora(base, { rank: 2, alpha: 4, targets, ...options });
      expect(predict(adapted, x)).toEqual(output);
      await fit(adapted, data);
      expect(farthest(predict(adapted, x), output)).toBeGreaterThan(0.01);
      expect(bits(base)).toBe(before);
      expect(predict(base, x)).toEqual(output);
      adapted.dispose();
      expect(memory().numTensors).toBe(start);
      base.dispose();
      dispose(x);
    }
  });

  it('adds s/N Σ (xAₙ)Bₙ to a dense layer', () => {
    const base = mlp();
    const x = inputs(split(base, 5));
    const adapted = applyLora(base, { rank: 2, alpha: 6, heads: 2, targets: 'last', seed: 4 });
    const lora = loraOf('test', adapted).sites[0]!.lora;
    const { a, b } = lora.adapters.get('default')!;
    const fill = new Random(1);
    tidy(() => {
      b.write(
        tensor(
          Float32Array.from({ length: b.read().size }, () => fill.normal()),
          b.shape as number[],
        ),
      );
    });
    const [hidden] = tidy(() => {
      const stem = functional({
        inputs: base.inputs,
        outputs: base.getLayer('first').output,
      });
      return [stem.predict(x) as Tensor2D];
    });
    const wanted = tidy(() => {
      const [kernel, bias] = base.getLayer('last').getWeights() as [Tensor2D, Tensor];
      let sum: Tensor = add(matMul(hidden, kernel), bias);
      for (const head of [0, 1]) {
        const aHead = (a.read() as Tensor2D).slice([0, 2 * head], [-1, 2]);
        const bHead = (b.read() as Tensor2D).slice([2 * head, 0], [2, -1]);
        sum = add(sum, mul(matMul(matMul(hidden, aHead), bHead), 6 / 2 / 2));
      }
      return [...sum.dataSync()];
    });
    expect(farthest(predict(adapted, x), wanted)).toBeLessThan(1e-5);
    dispose([x, hidden]);
    adapted.dispose();
    base.dispose();
  });

  it('draws A from N(0, 1/fan-in), the same for a seed, other for another seed, layer or head', () => {
    const base = scatter(
      sequential({ layers: [layers.dense({ name: 'wide', inputShape: [400], units: 300 })] }),
    );
    const factor = (seed: number) => {
      const adapted = applyLora(base, { rank: 20, heads: 2, targets: 'wide', seed });
      const { a, b } = loraOf('test', adapted).sites[0]!.lora.adapters.get('default')!;
      expect((b.read().dataSync() as Float32Array).every((value) => value === 0)).toBe(true);
      const values = [...a.read().dataSync()];
      adapted.dispose();
      return values;
    };
    const values = factor(1);
    expect(factor(1)).toEqual(values);
    expect(factor(2)).not.toEqual(values);
    const variance = values.reduce((sum, v) => sum + v * v, 0) / values.length;
    expect(variance * 400).toBeGreaterThan(0.95);
    expect(variance * 400).toBeLessThan(1.05);
    expect(values.slice(0, 20)).not.toEqual(values.slice(20, 40));
    base.dispose();
  });

  it('never forms a matrix of the kernel’s size in a training step of dense layers', async () => {
    const base = scatter(
      sequential({ layers: [layers.dense({ name: 'wide', inputShape: [50], units: 40 })] }),
    );
    for (const options of [{}, { heads: 2 }, { dora: true }, { init: 'pissa' }] as LoraOptions[]) {
      const adapted = applyLora(base, { rank: 3, targets: 'wide', ...options });
      const data = split(adapted, 4);
      const x = inputs(data);
      const step = () =>
        variableGrads(
          () =>
            lossFunction('meanSquaredError')(
              x.slice([0, 0], [-1, 40]),
              adapted.apply(x, { training: true }) as Tensor,
            ) as Scalar,
          trainableVariables(adapted),
        );
      const { kernels } = await profile(() => tidy(() => step().value));
      const made = kernels.flatMap(({ name, outputShapes, inputShapes }) =>
        (name === 'Identity' ? [] : outputShapes) // of which the data are shared, not made
          .filter((shape) => shape.reduce((product, d) => product * d, 1) >= 50 * 40)
          // DoRA squares the kernel itself, for its norms; no product of factors has that size
          .filter(() => !(options.dora && inputShapes.every((one) => String(one) === '50,40')))
          .map(() => name),
      );
      expect(made).toEqual([]);
      adapted.dispose();
      dispose(x);
    }
    base.dispose();
  });

  it('adapts the attention projections of BERT by pattern, and trains a new classifier whole', async () => {
    const base = bert({
      layers: 2,
      hidden: 16,
      heads: 2,
      vocabulary: 20,
      positions: 6,
      length: 6,
      output: 'logits',
    });
    const values = Int32Array.from({ length: 60 }, () => 1 + random.integer(19));
    const data: Split = {
      size: 10,
      x: { values, shape: [6] },
      y: { values: Int32Array.from({ length: 10 }, (_, i) => i % 2), shape: [] },
    };
    const before = bits(base);
    const adapted = applyLora(base, { rank: 2, targets: /query|value/, trainable: 'classifier' });
    expect(loraReport(adapted).layers.map(({ path }) => path)).toEqual([
      'encoder/layer_0/attention/self/query',
      'encoder/layer_0/attention/self/value',
      'encoder/layer_1/attention/self/query',
      'encoder/layer_1/attention/self/value',
      'classifier',
    ]);
    expect(adapted.layers.map(({ name }) => name)).toEqual(base.layers.map(({ name }) => name));
    await fit(adapted, data);
    expect(bits(base)).toBe(before);
    const report = loraReport(adapted);
    expect(report.trainable).toBe(4 * 2 * (16 + 16) + 16 * 2 + 2);
    expect(report.adapterBytes).toBe(4 * report.trainable);
    expect(trainableVariables(adapted).reduce((sum, { size }) => sum + size, 0)).toBe(report.trainable);
    expect(formatLoraReport(report)).toContain('default: 290 of');
    adapted.dispose();
    base.dispose();
  });

  it('enters nested models, and names their layers by path', async () => {
    const inner = scatter(
      sequential({ name: 'inner', layers: [layers.dense({ name: 'a', inputShape: [6], units: 6 })] }),
    );
    const x = input({ shape: [6] });
    const outer = functional({
      inputs: x,
      outputs: layers.dense({ name: 'b', units: 3 }).apply(inner.apply(x)) as SymbolicTensor,
    });
    const before = bits(outer);
    const adapted = applyLora(outer, { rank: 1, targets: /^inner\// });
    expect(loraReport(adapted).layers.map(({ path }) => path)).toEqual(['inner/a']);
    await fit(adapted, split(adapted));
    expect(bits(outer)).toBe(before);
    adapted.dispose();
    outer.dispose();
  });

  it('takes a rank for each layer, as a map and as a function', () => {
    const base = mlp();
    const ranks = (rank: LoraOptions['rank']) => {
      const adapted = applyLora(base, { rank: rank!, targets: ['first', 'last'] });
      const found = loraReport(adapted).layers.map((row) => row.rank);
      adapted.dispose();
      return found;
    };
    expect(ranks({ first: 4, last: 2 })).toEqual([4, 2]);
    expect(ranks(({ outputs }) => Math.min(outputs, 5))).toEqual([5, 3]);
    expect(() => ranks({ first: 4 })).toThrow(/missing: last; unknown: none/);
    base.dispose();
  });

  it('repeats dropout by the seed and resumes to the bit', async () => {
    const base = mlp();
    const data = split(base);
    const run = async (interrupted: boolean) => {
      const adapted = applyLora(base, { rank: 2, targets: ['first', 'last'], dropout: 0.4 });
      const options = { epochs: 3, batchSize: 4, loss: 'crossEntropyFromLogits', seed: 9 } as const;
      if (interrupted) {
        const store = memoryStore();
        const controller = new AbortController();
        const stop = train(adapted, data, {
          ...options,
          checkpoint: store,
          signal: controller.signal,
          progress: ({ done }) => done === 4 && controller.abort(),
        });
        await expect(stop).rejects.toThrow('stopped');
        await train(adapted, data, { ...options, checkpoint: store });
      } else await train(adapted, data, options);
      const found = trainableVariables(adapted).map((variable) => [...variable.dataSync()]);
      adapted.dispose();
      return found;
    };
    const whole = await run(false);
    expect(await run(false)).toEqual(whole);
    expect(await run(true)).toEqual(whole);
    base.dispose();
  });

  it('copies, saves and loads like any model', async () => {
    const base = mlp();
    const data = split(base);
    const x = inputs(data);
    const adapted = applyLora(base, { rank: 2, targets: ['first'], trainable: 'last', dora: true });
    await fit(adapted, data);
    const wanted = predict(adapted, x);
    const copy = await cloneModel(adapted);
    expect(predict(copy, x)).toEqual(wanted);
    let saved: io.ModelArtifacts | undefined;
    await adapted.save(
      io.withSaveHandler(async (artifacts) => {
        saved = artifacts;
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
      }),
    );
    const loaded = await loadLayersModel(io.fromMemory(saved!));
    expect(predict(loaded, x)).toEqual(wanted);
    expect(() => loraReport(loaded)).toThrow(/apply applyLora to the base/);
    expect(predict(base, x)).not.toEqual(wanted);
    for (const one of [copy, loaded, adapted, base]) one.dispose();
    dispose(x);
  });
});

describe('applyLora refuses', () => {
  const refused: readonly [string, () => LayersModel, LoraOptions, new (m: string) => Error, RegExp][] = [
    [
      'a rank beyond min(m, n)',
      mlp,
      { rank: 4, targets: 'last' },
      ArgumentError,
      /\[1, min\(m, n\)\] = \[1, 3\] for last \[8, 3\], got 4/,
    ],
    [
      'a pattern that matches nothing',
      mlp,
      { targets: /qury/ },
      ArgumentError,
      /\/qury\/ matches no layer with weights\. There are: first, last\./,
    ],
    [
      'one name of a list that is wrong',
      mlp,
      { rank: 2, targets: ['first', 'lost'] },
      ArgumentError,
      /targets lost matches no layer/,
    ],
    [
      'a depthwise convolution',
      images,
      { targets: 'depthwise' },
      UnsupportedModelError,
      /one small filter per channel/,
    ],
    ['normalisation alone', images, { targets: 'norm' }, ArgumentError, /without a matrix: norm/],
    [
      'a layer that is both adapted and whole',
      mlp,
      { rank: 2, targets: 'last', trainable: 'last' },
      ArgumentError,
      /in targets and in trainable/,
    ],
    ['a dropout of 1', mlp, { dropout: 1 }, ArgumentError, /dropout must be in \[0, 1\)/],
    ['no heads', mlp, { heads: 0 }, ArgumentError, /heads must be an integer ≥ 1/],
    ['α = 0', mlp, { alpha: 0 }, ArgumentError, /alpha must be a positive number/],
    ['heads of PiSSA', mlp, { heads: 2, init: 'pissa' }, ArgumentError, /one head/],
    ['a name with a point', mlp, { name: 'a.b' }, ArgumentError, /letters, digits/],
  ];
  it.each(refused)('%s', (_, make, options, error, message) => {
    const base = make();
    const start = memory().numTensors;
    expect(() => applyLora(base, options)).toThrow(error);
    expect(() => applyLora(base, options)).toThrow(message);
    expect(memory().numTensors).toBe(start);
    base.dispose();
  });

  it('NaN in a kernel that it adapts, and an adapted model', () => {
    const base = mlp();
    const adapted = applyLora(base, { rank: 2 });
    expect(() => applyLora(adapted)).toThrow(/adapted already. Use addAdapter/);
    adapted.dispose();
    tidy(() =>
      base.getLayer('last').setWeights([tensor(new Float32Array(24).fill(NaN), [8, 3]), tensor([0, 0, 0])]),
    );
    expect(() => applyLora(base, { rank: 2 })).toThrow(NonFiniteError);
    expect(() => applyLora(base, { rank: 2 })).toThrow(/kernel of last must be finite, got NaN at value 0/);
    applyLora(base, { rank: 2, targets: 'first' }).dispose();
    base.dispose();
  });
});

describe('loraPlus', () => {
  it('moves B λ times as far as Adam does, A as far, and leaks nothing', async () => {
    const base = mlp();
    const data = split(base, 4);
    const after = async (ratio: number | undefined) => {
      const adapted = applyLora(base, { rank: 2, targets: ['first', 'last'], init: 'pissa' });
      const factors = () =>
        loraOf('test', adapted).sites.map(({ lora }) => {
          const { a, b } = lora.adapters.get('default')!;
          return [a, b].map((weight) => [...weight.read().dataSync()]) as [number[], number[]];
        });
      const before = factors();
      const start = memory().numTensors;
      const optimizer = ratio === undefined ? { name: 'adam' as const } : loraPlus(adapted, { ratio });
      await train(adapted, data, { epochs: 1, loss: 'crossEntropyFromLogits', optimizer });
      if (!('name' in optimizer)) optimizer.dispose();
      expect(memory().numTensors).toBe(start);
      const steps = factors().map((pair, i) =>
        pair.map((values, k) => values.map((value, j) => value - before[i]![k]![j]!)),
      );
      adapted.dispose();
      return steps as [number[], number[]][];
    };
    const plain = await after(undefined);
    const plus = await after(4);
    for (const [i, [a, b]] of plus.entries()) {
      expect(a).toEqual(plain[i]![0]);
      expect(
        farthest(
          b,
          plain[i]![1].map((step) => 4 * step),
        ),
      ).toBeLessThan(1e-6);
    }
    base.dispose();
  });

  it('refuses a ratio below 1 and a rate that is not positive', () => {
    const base = mlp();
    const adapted = applyLora(base, { rank: 2 });
    expect(() => loraPlus(adapted, { ratio: 0.5 })).toThrow(/ratio must be a number ≥ 1/);
    expect(() => loraPlus(adapted, { learningRate: 0 })).toThrow(/learningRate must be positive/);
    adapted.dispose();
    base.dispose();
  });
});
