import { memory, tensor, tidy, type Tensor } from '@tensorflow/tfjs';
import type { Split } from '@ockham/core';
import { dequantize } from '@ockham/core/kernels';
import { evaluate } from '@ockham/core/metrics';
import { cloneModel, resnet } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { saveWeights, train, type Snapshot, type SnapshotStore } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { quantize, type Grid } from '../../src/compress/grid.ts';
import { quantizableWeights, toRows } from '../../src/compress/quantizable.ts';
import { QuantizedForward, trainQuantized } from '../../src/compress/training/index.ts';
import { points, tinyBert, tinyGpt, tinyMlp, tokenTexts } from './tiny-models.ts';

const logits = 'crossEntropyFromLogits' as const;

function output(model: LayersModel, { x, size }: Split): Float32Array {
  return tidy(() => {
    const dtype = x.values instanceof Int32Array ? 'int32' : 'float32';
    return (model.apply(tensor(x.values, [size, ...x.shape], dtype)) as Tensor).dataSync<'float32'>().slice();
  });
}

/** Whether coding the weights on a grid changes nothing. */
function liesOnGrid(model: LayersModel, grid: Grid): boolean {
  return quantizableWeights(model).every(({ variable, outputs, inputs, rule }) => {
    const rows = toRows(variable.dataSync<'float32'>().slice(), outputs, inputs, rule);
    const again = dequantize(quantize(rows, [outputs, inputs], grid));
    return rows.every((value, i) => value === again[i]! || Math.abs(value - again[i]!) < 1e-12);
  });
}

function store(): SnapshotStore & { kept?: Snapshot } {
  return {
    read() {
      return Promise.resolve(this.kept);
    },
    write(snapshot) {
      this.kept = snapshot;
      return Promise.resolve();
    },
    remove() {
      delete this.kept;
      return Promise.resolve();
    },
  };
}

const GRIDS: readonly Grid[] = [
  { bits: 8 },
  { bits: 4, granularity: { group: 3 } },
  { bits: 3, granularity: 'tensor' },
  { bits: 2 },
  { bits: 'ternary' },
  { bits: 'binary', granularity: { group: 4 } },
];

describe('trainQuantized', () => {
  it.each(GRIDS)(
    'leaves the weights of a BERT on the grid %j, leaks nothing and gives the model back',
    async (grid) => {
      const model = tinyBert();
      const data = tokenTexts(24);
      const options = { epochs: 1, batchSize: 8, loss: logits, weights: grid, seed: 3 };
      const before = memory().numTensors;
      const { layers } = await trainQuantized(model, data, options);
      expect(memory().numTensors).toBe(before);
      expect(liesOnGrid(model, grid)).toBe(true);
      expect(layers.map(({ path }) => path)).toEqual(quantizableWeights(model).map(({ path }) => path));
      for (const { relativeError } of layers) expect(relativeError).toBeGreaterThan(0);
      const copy = await cloneModel(model); // no longer quantised while it runs: a copy computes the same
      expect(output(copy, data)).toEqual(output(model, data));
      copy.dispose();
      model.dispose();
    },
  );

  it.each([GRIDS[1]!, GRIDS[4]!, GRIDS[5]!])('with learned scales too, on %j', async (grid) => {
    const model = tinyBert();
    const weights = model.weights.length;
    const before = memory().numTensors;
    const options = { epochs: 2, batchSize: 8, loss: logits, weights: grid, learnedScales: true, optimizer: { name: 'adam', learningRate: 0.02 } } as const; // prettier-ignore
    await trainQuantized(model, tokenTexts(24), options);
    expect(memory().numTensors).toBe(before);
    expect(model.weights.length).toBe(weights);
    expect(liesOnGrid(model, grid)).toBe(true);
    model.dispose();
  });

  it('learns: a network of ternary weights and 8-bit activations tells three clusters apart', async () => {
    const model = tinyMlp();
    const data = points(240);
    await train(model, data, { epochs: 10, batchSize: 32, optimizer: { name: 'adam', learningRate: 0.02 } });
    const float = (await evaluate(model, data)).accuracy;
    const activations = { kind: 'dynamic', bits: 8 } as const;
    const options = { epochs: 10, batchSize: 32, optimizer: { name: 'adam', learningRate: 0.02 } } as const;
    await trainQuantized(model, data, { ...options, weights: { bits: 'ternary' }, activations });
    const { accuracy } = await evaluate(model, data);
    expect(float).toBeGreaterThan(0.9);
    expect(accuracy).toBeGreaterThan(float - 0.05);
    model.dispose();
  });

  it('trains convolutions of a residual network and the table of a GPT, which is used at both ends', async () => {
    const random = new Random(1);
    const images: Split = {
      size: 4,
      x: { values: Float32Array.from({ length: 4 * 8 * 8 * 3 }, () => random.normal()), shape: [8, 8, 3] },
      y: { values: Int32Array.of(0, 1, 0, 1), shape: [] },
    };
    const net = resnet({ depth: 8, inputShape: [8, 8, 3], classes: 2, seed: 1 });
    await trainQuantized(net, images, { epochs: 1, batchSize: 4, weights: { bits: 4 } });
    expect(liesOnGrid(net, { bits: 4 })).toBe(true);
    net.dispose();
    const ids = { values: Int32Array.from({ length: 40 }, () => random.integer(12)), shape: [5] };
    const model = tinyGpt();
    const before = memory().numTensors;
    await trainQuantized(model, { size: 8, x: ids, y: ids }, { epochs: 1, batchSize: 4, loss: logits, weights: { bits: 'binary' } }); // prettier-ignore
    expect(memory().numTensors).toBe(before);
    expect(liesOnGrid(model, { bits: 'binary' })).toBe(true);
    model.dispose();
  });

  it('quantises what the rule names, and the rest stays float32', async () => {
    const model = tinyMlp();
    const weights = (path: string) => (path === 'second' ? ({ bits: 'binary' } as const) : undefined);
    const { layers } = await trainQuantized(model, points(16), { epochs: 1, weights });
    expect(layers.map(({ path, grid, parameters }) => [path, grid.bits, parameters])).toEqual([['second', 'binary', 18]]); // prettier-ignore
    const [first, , second] = model
      .getWeights()
      .map((weight) => new Set(weight.dataSync().map(Math.abs)).size);
    expect(second).toBeLessThanOrEqual(3); // a magnitude for each output
    expect(first).toBe(24);
    model.dispose();
  });

  it('ends with the same bits after an abort and a resume from its checkpoint', async () => {
    const data = tokenTexts(32);
    const options = { epochs: 2, batchSize: 8, loss: logits, weights: { bits: 'ternary' }, learnedScales: true, seed: 4 } as const; // prettier-ignore
    const whole = tinyBert(7, { dropout: 0.1 });
    await trainQuantized(whole, data, options);
    const cut = tinyBert(7, { dropout: 0.1 });
    const controller = new AbortController();
    const checkpoint = store();
    const progress = ({ done }: { done: number }) => {
      if (done === 5) controller.abort();
    };
    const run = { ...options, checkpoint, snapshotEvery: 1 };
    await expect(trainQuantized(cut, data, { ...run, signal: controller.signal, progress })).rejects.toMatchObject({ code: 'aborted' }); // prettier-ignore
    const fresh = tinyBert(7, { dropout: 0.1 });
    await trainQuantized(fresh, data, run);
    expect((await saveWeights(fresh)).arrays).toEqual((await saveWeights(whole)).arrays);
    for (const model of [whole, cut, fresh]) model.dispose();
  });

  it('refuses a rule that names nothing, a grid out of range and a damaged activation grid, and leaves the model usable', async () => {
    const model = tinyMlp();
    const data = points(8);
    const before = output(model, data);
    await expect(trainQuantized(model, data, { epochs: 1, weights: () => undefined })).rejects.toMatchObject({ code: 'nothing-changed' }); // prettier-ignore
    await expect(trainQuantized(model, data, { epochs: 1, weights: { bits: 5 as 4 } })).rejects.toThrow('bits must be'); // prettier-ignore
    await expect(trainQuantized(model, data, { epochs: -1, weights: { bits: 4 } })).rejects.toThrow('epochs must be'); // prettier-ignore
    const activations = { kind: 'static', bits: 8, scale: 0, zero: 0 } as const;
    await expect(trainQuantized(model, data, { epochs: 1, weights: { bits: 4 }, activations })).rejects.toThrow('scale > 0'); // prettier-ignore
    expect(output(model, data)).toEqual(before);
    model.dispose();
  });
});

describe('QuantizedForward', () => {
  it('computes with rounded weights until it is removed, and with those that bake writes', async () => {
    const model = tinyBert();
    const data = tokenTexts(4);
    const float = output(model, data);
    const grid: Grid = { bits: 2, granularity: { group: 4 } };
    const first = new QuantizedForward(model, { weights: grid });
    const rounded = output(model, data);
    first.remove();
    expect(output(model, data)).toEqual(float);
    expect(rounded).not.toEqual(float);
    await new QuantizedForward(model, { weights: grid }).bake();
    expect(output(model, data)).toEqual(rounded);
    model.dispose();
  });

  it('passes through widths that no file holds, finer with every bit, but does not bake them', async () => {
    const model = tinyBert();
    const data = tokenTexts(4);
    const float = output(model, data);
    const forward = new QuantizedForward(model, { weights: { bits: 8, granularity: { group: 3 } } });
    const errors = [3, 5, 7, 10, 14].map((bits) => {
      for (const path of forward.paths) forward.setBits(path, bits);
      return output(model, data).reduce((sum, value, i) => sum + (value - float[i]!) ** 2, 0);
    });
    expect(errors).toEqual(errors.toSorted((a, b) => b - a));
    await expect(forward.bake()).rejects.toThrow('14 bits, which no file holds');
    for (const path of forward.paths) forward.setBits(path, 17);
    expect(() => output(model, data)).toThrow('[2, 16]');
    expect(() => forward.setBits('nowhere', 4)).toThrow('There are');
    forward.remove();
    model.dispose();
  });
});
