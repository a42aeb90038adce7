import { memory, tensor, tidy, type LayersModel, type Tensor } from '@tensorflow/tfjs';
import { AbortedError, ArgumentError, NothingChangedError, type Split } from '@ockham/core';
import { countFlops, countParameters, evaluate } from '@ockham/core/metrics';
import { bert, cloneModel, gpt } from '@ockham/core/models';
import { variableOf } from '@ockham/core/training';
import { describe, expect, it } from 'vitest';
import {
  compress,
  encodeCompressed,
  exportLayersModel,
  quantizableWeights,
  quantizedFlopRules,
  QuantizedDense,
  type CompressOptions,
  type QuantizeOptions,
} from '../../src/compress/index.ts';
import { clouds, convolutionNetwork, denseNetwork, encoder, images, texts } from './models.ts';

const outputs = (model: LayersModel, split: Split, count = split.size): Float32Array =>
  tidy(() => {
    const { values, shape } = split.x;
    const kind = values instanceof Int32Array ? 'int32' : 'float32';
    const width = shape.reduce((a, b) => a * b, 1);
    const x = tensor(values.slice(0, count * width), [count, ...shape], kind);
    return (model.apply(x, { training: false }) as Tensor).dataSync<'float32'>();
  });
const distance = (a: Float32Array, b: Float32Array) =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / a.length);
const plain = (quantize: QuantizeOptions, rest: Partial<CompressOptions> = {}): CompressOptions => ({
  quantize: { smallest: 0, ...quantize },
  report: false,
  ...rest,
});

describe('compress', () => {
  it.each([
    ['dense layers', denseNetwork, clouds(16, 64)],
    ['convolutions', convolutionNetwork, images(16)],
    ['an encoder', encoder, texts(16, 8, 200)],
  ] as const)('gives %s whose outputs are those of the float model it stands for', async (_, make, data) => {
    const before = memory().numTensors;
    const model = make();
    for (const weights of [8, 4, 3, 2, 'ternary', 'binary', 'fp8-e4m3', 'fp4-e2m1'] as const) {
      const { model: small } = await compress(model, { train: data }, plain({ weights, group: 16 }));
      const float = await exportLayersModel(small);
      expect(float.layers.map((layer) => layer.getClassName())).toEqual(
        model.layers.map((layer) => layer.getClassName()),
      );
      expect(distance(outputs(small, data), outputs(float, data)), String(weights)).toBeLessThan(1e-5);
      if (weights === 8) expect(distance(outputs(small, data), outputs(model, data))).toBeLessThan(0.02);
      small.dispose();
      float.dispose();
    }
    model.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it('leaves the given model as it was, to the bit', async () => {
    const model = denseNetwork();
    const data = clouds(32, 64);
    const before = outputs(model, data);
    const { model: small } = await compress(
      model,
      { train: data },
      plain({ weights: 2 }, { distill: true, lowRank: 2 }),
    );
    expect(outputs(model, data)).toEqual(before);
    small.dispose();
    model.dispose();
  });

  it('comes nearer to the float outputs by distillation, and by low-rank compensation', async () => {
    const model = denseNetwork();
    const [train, test] = [clouds(256, 64), clouds(64, 64, 9)];
    const expected = outputs(model, test);
    const error = async (rest: Partial<CompressOptions>, quantize: QuantizeOptions = { weights: 3 }) => {
      const { model: small } = await compress(model, { train }, plain(quantize, { examples: 256, ...rest }));
      const found = distance(outputs(small, test), expected);
      small.dispose();
      return found;
    };
    const rounded = await error({});
    expect(await error({ distill: true })).toBeLessThan(0.8 * rounded);
    expect(await error({ lowRank: 16 })).toBeLessThan(0.8 * rounded);
    expect(await error({}, { weights: 3, group: 8 })).toBeLessThan(rounded);
    expect(await error({ lowRank: 64 })).toBeLessThan(0.1 * rounded); // all of the error, in int8
    model.dispose();
  });

  it('distils convolutions', async () => {
    const model = convolutionNetwork();
    const [train, test] = [images(64), images(32, 8)];
    const expected = outputs(model, test);
    const errors: number[] = [];
    for (const distill of [false, true]) {
      const { model: small } = await compress(model, { train }, plain({ weights: 2 }, { distill }));
      errors.push(distance(outputs(small, test), expected));
      small.dispose();
    }
    expect(errors[1]).toBeLessThan(errors[0]!);
    model.dispose();
  });

  it.each(['dynamic', 'minmax', 'mse', { percentile: 99.9 }] as const)(
    'rounds activations to 8 bits, calibrated by %j, at little cost',
    async (calibration) => {
      for (const [make, data] of [
        [denseNetwork, clouds(64, 64)],
        [convolutionNetwork, images(32)],
      ] as const) {
        const model = make();
        const quantize = { weights: 8, activations: 8, calibration } as const;
        const { model: small } = await compress(model, { train: data }, plain(quantize));
        const { model: wide } = await compress(model, { train: data }, plain({ weights: 8 }));
        expect(distance(outputs(small, data), outputs(model, data))).toBeLessThan(0.03);
        expect(distance(outputs(small, data), outputs(wide, data))).toBeGreaterThan(0);
        for (const each of [model, small, wide]) each.dispose();
      }
    },
  );

  it('distils with rounded activations too, the same bits each time', async () => {
    const model = denseNetwork();
    const data = clouds(64, 64);
    const once = async () => {
      const options = plain({ weights: 4, activations: 8, group: 16 }, { distill: true, lowRank: 2 });
      const { model: small } = await compress(model, { train: data }, options);
      const bytes = await encodeCompressed(small);
      small.dispose();
      return bytes;
    };
    expect(await once()).toEqual(await once());
    model.dispose();
  });

  it('takes other bits for single layers, and leaves small ones alone', async () => {
    const model = denseNetwork();
    const data = clouds(8, 64);
    const { model: small, report } = await compress(
      model,
      { train: data },
      plain({ weights: 4, smallest: 1024, layers: { fc0: 8, fc1: 'ternary', fc2: 'float' } }),
    );
    expect(report.weights.map(({ path, coding }) => [path, coding])).toEqual([
      ['fc0', 'int8'],
      ['fc1', 'ternary'],
      ['fc3', 'int4'],
    ]);
    expect(report.floats).toEqual([
      { path: 'fc2', className: 'Dense', values: 48 * 48, why: 'quantize.layers says float' },
      {
        ...{ path: 'head', className: 'Dense', values: 98 },
        why: 'its matrix has fewer than quantize.smallest = 1024 values',
      },
    ]);
    expect(small.getLayer('fc0')).toBeInstanceOf(QuantizedDense);
    expect(small.getLayer('fc2').getClassName()).toBe('Dense');
    small.dispose();
    model.dispose();
  });

  it('says of each layer that stayed as it was why', async () => {
    const model = convolutionNetwork();
    const { model: small, report } = await compress(model, { train: images(4) }, plain({ weights: 8 }));
    expect(report.floats).toEqual([
      {
        ...{ path: 'bn', className: 'BatchNormalization', values: 64 },
        why: 'BatchNormalization has no packed form',
      },
    ]);
    small.dispose();
    model.dispose();
  });

  it('enters nested models, shared layers and tied tables', async () => {
    const model = gpt({ layers: 1, hidden: 32, heads: 2, vocabulary: 60, length: 8, seed: 1 });
    expect(quantizableWeights(model).map(({ layer }) => layer.getClassName())).toContain('TiedEmbedding');
    const split = texts(8, 8, 60);
    const data = { ...split, y: { values: new Int32Array(64), shape: [8] } };
    const { model: small } = await compress(
      model,
      { train: data },
      plain({ weights: 8 }, { loss: 'crossEntropyFromLogits', distill: true }),
    );
    const float = await exportLayersModel(small);
    expect(distance(outputs(small, data), outputs(float, data))).toBeLessThan(1e-4);
    for (const each of [model, small, float]) each.dispose();
  });

  it('reports bytes, latency, accuracy and what each layer alone costs', async () => {
    const before = memory().numTensors;
    const model = denseNetwork();
    const data = { train: clouds(32, 64), test: clouds(32, 64, 4) };
    const { model: small, report } = await compress(model, data, {
      quantize: { weights: 2, smallest: 0 },
      report: { latency: { repeats: 2, warmup: 1 } },
    });
    const { after, rows } = report.comparison!;
    expect(after.latency.map(({ batch }) => batch)).toEqual([1, 32]);
    expect(after.files['compressed']).toBe(report.file.after);
    expect(report.file.after).toBe((await encodeCompressed(small)).length);
    expect(after.residentBytes).toBe(report.resident.after);
    expect(after.accuracy).toBe((await evaluate(small, data.test)).accuracy);
    expect(after.unknownFlops).toEqual([]);
    expect(after.flops).toBe(report.comparison!.before.flops);
    expect(after.parameters).toBe(model.countParams());
    expect(rows.some(({ figure }) => figure === 'file: compressed')).toBe(true);
    expect(report.weights).toHaveLength(5);
    for (const { error, sensitivity } of report.weights) {
      expect(error).toBeGreaterThan(0);
      expect(sensitivity!.loss).not.toBe(0);
      expect(Math.abs(sensitivity!.accuracy!)).toBeLessThanOrEqual(1);
    }
    small.dispose();
    model.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it('is counted and cloned like any model', async () => {
    const model = denseNetwork();
    const data = clouds(8, 64);
    const { model: small } = await compress(model, { train: data }, plain({ weights: 4 }, { lowRank: 2 }));
    expect((await countParameters(small)).kernels).toBeGreaterThan((await countParameters(model)).kernels);
    const flops = await countFlops(small, { rules: quantizedFlopRules });
    expect(flops.flops).toBeGreaterThan((await countFlops(model)).flops);
    const copy = await cloneModel(small);
    const expected = outputs(small, data);
    small.dispose();
    expect(outputs(copy, data)).toEqual(expected);
    copy.dispose();
    model.dispose();
  });

  it('refuses bad input before any work, by name', async () => {
    const model = denseNetwork();
    const train = clouds(8, 64);
    const refuse = async (options: unknown, kind: unknown, message: RegExp, data: unknown = { train }) => {
      const attempt = compress(model, data as { train: Split }, options as CompressOptions);
      await expect(attempt).rejects.toThrow(message);
      await expect(attempt).rejects.toBeInstanceOf(kind);
    };
    const before = memory().numTensors;
    for (const weights of [5, 16, 0, '4', Number.NaN])
      await refuse({ quantize: { weights } }, ArgumentError, /bits must be 8, 4, 3, 2/);
    await refuse({ quantize: { weights: 4, group: 0 } }, ArgumentError, /granularity/);
    await refuse({ quantize: { weights: 4, activations: 4 } }, ArgumentError, /activations must be 8/);
    await refuse({ quantize: { weights: 4, calibration: 'best' } }, ArgumentError, /range must be/);
    await refuse({ quantize: { weights: 4, layers: { nope: 4 } } }, ArgumentError, /names nope/);
    await refuse({ quantize: { weights: 4 }, lowRank: -1 }, ArgumentError, /lowRank/);
    await refuse({ quantize: { weights: 4 }, floats: 'float8' }, ArgumentError, /floats must be/);
    await refuse({ quantize: { weights: 4, smallest: 1e9 } }, NothingChangedError, /Lower quantize.smallest/);
    const values = train.x.values.slice() as Float32Array;
    values[70] = Number.NaN;
    const spoilt = { train: { ...train, x: { ...train.x, values } } };
    await refuse(
      { quantize: { weights: 4 } },
      ArgumentError,
      /x must be finite, got NaN in example 1/,
      spoilt,
    );
    const signal = AbortSignal.abort();
    await refuse({ quantize: { weights: 4 }, distill: true, signal }, AbortedError, /AbortSignal/);
    expect(memory().numTensors).toBe(before);
    model.dispose();
  });

  it('refuses weights that are not finite, and leaves nothing behind', async () => {
    const model = denseNetwork();
    const before = memory().numTensors;
    const kernel = variableOf(model.getLayer('fc1').weights[0]!);
    const values = kernel.dataSync().slice();
    values[3] = Number.POSITIVE_INFINITY;
    tidy(() => kernel.assign(tensor(values, kernel.shape as [number, number])));
    await expect(compress(model, { train: clouds(8, 64) }, plain({ weights: 4 }))).rejects.toThrow(
      /finite, got Infinity/,
    );
    expect(memory().numTensors).toBe(before);
    model.dispose();
  });
});

describe('sizes of BERT-mini, header included', () => {
  it('are 3.9, 7.4, 15 and 28 times smaller, on disk and in memory', async () => {
    const model = bert({ preset: 'mini', length: 4 });
    const data = texts(1, 4, 30_000);
    for (const [quantize, least] of [
      [{ weights: 8 }, 3.9],
      [{ weights: 4, group: 64 }, 7.4],
      [{ weights: 'ternary' }, 15],
      [{ weights: 'binary' }, 28],
    ] as const) {
      const options = { quantize: { ...quantize, range: 'minmax' }, report: false } as const;
      const { model: small, report } = await compress(model, { train: data }, options);
      expect(report.file.before).toBe(4 * 11_171_074);
      expect(report.file.ratio, String(quantize.weights)).toBeGreaterThanOrEqual(least);
      expect(report.resident.ratio, String(quantize.weights)).toBeGreaterThanOrEqual(least);
      small.dispose();
    }
    model.dispose();
  });
});
