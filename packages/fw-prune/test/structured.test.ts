import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { maskChannels, removeLayers, residualBranches, traceChannels } from '@ockham/core/graph';
import { countFlops, evaluate } from '@ockham/core/metrics';
import { resnet } from '@ockham/core/models';
import { train } from '@ockham/core/training';
import type { StructuredOptions } from '../src/structured-options.ts';
import { pruneStructured } from '../src/structured.ts';
import { corners, outputsOf, smallCnn, smallResnet } from './structured-fixtures.ts';

const data = { train: corners(256), test: corners(128, 4) };
const still = { retrain: { epochs: 0 }, report: false } as const;
const width = (model: tf.LayersModel, name: string) => model.getLayer(name).weights[0]!.shape.at(-1);

describe('pruneStructured', () => {
  it('halves the FLOPs of a trained net, keeps its accuracy and says what changed', async () => {
    const model = smallCnn();
    await train(model, data.train, {
      epochs: 4,
      optimizer: { name: 'adam', learningRate: 0.01 },
      batchSize: 32,
    });
    const before = outputsOf(model, data.test);
    const result = await pruneStructured(model, data, {
      flops: 0.5,
      retrain: { epochs: 2, batchSize: 32 },
      seed: 1,
    });
    const dense = await countFlops(model);
    const small = await countFlops(result.model);
    expect(small.flops).toBeLessThanOrEqual(dense.flops / 2);
    expect(result.counts.before).toMatchObject({
      flops: dense.flops,
      parameters: model.countParams(),
      channels: 24,
    });
    expect(result.counts.after).toMatchObject({ flops: small.flops, parameters: result.model.countParams() });
    const { rows } = result.report!;
    expect(rows.find(({ figure }) => /parameters/i.test(figure))).toMatchObject({
      before: model.countParams(),
      after: result.model.countParams(),
    });
    expect(result.history).toHaveLength(1);
    expect(result.history[0]!.accuracy).toBe((await evaluate(result.model, data.test)).accuracy);
    expect(result.history[0]!.accuracy).toBeGreaterThan(0.97);
    for (const { layer, parameters } of result.removed) {
      expect(model.getLayer(layer).countParams()).toBe(parameters.before);
      expect(result.model.getLayer(layer).countParams()).toBe(parameters.after);
    }
    expect(outputsOf(model, data.test)).toEqual(before);
  });

  it.each<StructuredOptions & { dryRun?: false }>([
    { channels: 0.5, criterion: 'magnitude' },
    { channels: 0.5, criterion: 'magnitude', norm: 'l1' },
    { channels: 0.5, criterion: 'taylor' },
    { channels: 0.5, criterion: 'lmo' },
    { channels: 0.5, criterion: 'random' },
    { channels: 0.5, criterion: 'taylor', perFlop: true },
    { flops: 0.3, criterion: 'lmo', perFlop: false },
    { flops: 0.3, scope: 'layer', criterion: 'magnitude' },
  ])('removes what it says, as a mask would, with %o', async (options) => {
    const model = smallCnn();
    const { model: small, history } = await pruneStructured(model, data, { ...options, ...still, seed: 5 });
    const masked = await maskChannels(model, new Map(Object.entries(history[0]!.channelsRemoved)));
    const [a, b] = [outputsOf(masked, data.test), outputsOf(small, data.test)];
    expect(Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))).toBeLessThan(1e-5);
    if (options.channels) expect(history[0]!.channels).toBe(12);
  });

  it('removes channels that do nothing first, by every criterion that looks', async () => {
    for (const criterion of ['magnitude', 'taylor', 'lmo'] as const) {
      const model = smallCnn();
      const [kernel, bias] = model.getLayer('c2').getWeights() as [tf.Tensor, tf.Tensor];
      const dead = tf.tensor([1, 0, 1, 1, 0, 1, 1, 0]);
      model.getLayer('c2').setWeights([tf.mul(kernel, dead), bias]);
      const { history } = await pruneStructured(model, data, {
        channels: 3 / 24,
        criterion,
        curvature: 1e6,
        ...still,
      });
      expect(history[0]!.channelsRemoved, criterion).toEqual({ c2: [1, 4, 7] });
    }
  });

  it('scores by the change of the loss that a finite mask makes, to first order', async () => {
    const model = smallCnn();
    // so small a reader that the first order is all there is
    const [kernel, bias] = model.getLayer('d1').getWeights() as [tf.Tensor, tf.Tensor];
    model.getLayer('d1').setWeights([tf.mul(kernel, 1e-3), tf.add(bias, 0.1)]);
    const split = corners(64, 9);
    const { loss } = await evaluate(model, split);
    const changes: number[] = [];
    for (let i = 0; i < 8; i++) {
      const masked = await maskChannels(model, new Map([['c2', [i]]]));
      changes.push(Math.abs((await evaluate(masked, split)).loss - loss));
    }
    const order = [...changes.keys()].sort((a, b) => changes[a]! - changes[b]!);
    const { history } = await pruneStructured(
      model,
      { train: split },
      { channels: 3 / 8, exclude: ['c1', 'd1'], ...still },
    );
    expect(history[0]!.channelsRemoved).toEqual({ c2: order.slice(0, 3).sort() });
  });

  it('leaves floors, multiples and excluded layers alone', async () => {
    const { model } = await pruneStructured(smallCnn(), data, {
      ...{ channels: 0.3, criterion: 'magnitude', keepAtLeast: 0.5, multipleOf: 4, exclude: /d1/ },
      ...still,
    });
    expect([width(model, 'c1'), width(model, 'c2'), width(model, 'd1')]).toEqual([4, 4, 10]);
  });

  it('takes the same share of every layer with scope layer', async () => {
    const { model } = await pruneStructured(smallCnn(), data, { channels: 0.5, scope: 'layer', ...still });
    expect([width(model, 'c1'), width(model, 'c2'), width(model, 'd1')]).toEqual([3, 4, 5]);
  });

  it('reaches the budget in equal steps, with retraining and G carried over', async () => {
    const seen: number[] = [];
    const { history } = await pruneStructured(smallCnn(), data, {
      ...{ flops: 0.6, iterations: 3, criterion: 'lmo', retrain: { epochs: 0.5, batchSize: 64 } },
      onIteration: ({ iteration }) => void seen.push(iteration),
    });
    const { flops } = await countFlops(smallCnn());
    for (const [i, record] of history.entries())
      expect(record.flops).toBeLessThanOrEqual(flops * (1 - 0.2 * (i + 1)));
    expect(history[0]!.flops).toBeGreaterThan(flops * 0.6);
    expect(seen).toEqual([1, 2, 3]);
  });

  it('gives the same model for the same seed and leaks nothing', async () => {
    const model = smallCnn();
    const start = tf.memory().numTensors;
    const options = {
      flops: 0.5,
      iterations: 2,
      retrain: { epochs: 1, batchSize: 64, distill: { weight: 0.5 } },
      seed: 11,
    };
    const runs = [];
    for (let run = 0; run < 2; run++) {
      const { model: small } = await pruneStructured(model, data, options);
      runs.push(outputsOf(small, data.test));
      small.dispose();
    }
    expect(runs[1]).toEqual(runs[0]);
    expect(tf.memory().numTensors).toBe(start);
  });

  it('plans first: the dry run names what the run then does, and changes nothing', async () => {
    const model = smallCnn();
    const start = tf.memory().numTensors;
    const options = { flops: 0.4, seed: 2, ...still };
    const plan = await pruneStructured(model, data, { ...options, dryRun: true });
    expect(tf.memory().numTensors).toBe(start);
    const { model: small, counts } = await pruneStructured(model, data, options);
    expect(plan.flops.after).toBeCloseTo(counts.after.flops, 3);
    expect(plan.flops.before).toBeCloseTo(counts.before.flops, 3);
    expect(plan.parameters).toEqual({ before: counts.before.parameters, after: counts.after.parameters });
    expect(plan.rows.slice(0, 3).map(({ after }) => after)).toEqual(
      ['c1', 'c2', 'd1'].map((name) => width(small, name)),
    );
    expect(plan.rows[3]).toMatchObject({
      group: 'out',
      before: 2,
      after: 2,
      leftAlone: expect.stringMatching(/softmax/),
    });
  });

  it('removes the residual block without which the loss is least', async () => {
    const model = smallResnet();
    const losses = [];
    for (const { layers } of residualBranches(model)) {
      losses.push((await evaluate((await removeLayers(model, layers)).model, data.train)).loss);
    }
    const least = ['one', 'two', 'three'][losses.indexOf(Math.min(...losses))]!;
    const { removed, history } = await pruneStructured(model, data, { layers: 1, ...still });
    const layers = ['a', 'a_relu', 'b'].map((part) => least + part);
    expect(history[0]!.blocksRemoved).toEqual([{ add: `${least}_add`, layers }]);
    expect(removed.map(({ layer }) => layer)).toEqual([...layers, `${least}_add`]);
  });

  it('combines blocks and channels', async () => {
    const model = smallResnet();
    const { counts, history } = await pruneStructured(model, data, { layers: 2, flops: 0.8, ...still });
    expect(history[0]!.blocksRemoved).toHaveLength(2);
    expect(counts.after.flops).toBeLessThanOrEqual(counts.before.flops * 0.2);
    await expect(pruneStructured(model, data, { layers: 4, ...still })).rejects.toThrow(
      /has 3 residual blocks/,
    );
  });

  it('follows the option-A shortcuts of a real ResNet', async () => {
    const model = resnet({ depth: 8, inputShape: [8, 8, 3], seed: 1 });
    const { groups } = traceChannels(model);
    expect(groups.filter(({ frozen }) => frozen === undefined)).toHaveLength(6); // 3 inner, 3 widths of the stream
    const split = {
      size: 4,
      x: { values: Float32Array.from({ length: 4 * 192 }, (_, i) => Math.sin(i)), shape: [8, 8, 3] },
      y: { values: Int32Array.from([0, 1, 2, 3]), shape: [] },
    };
    const {
      model: small,
      history,
      counts,
    } = await pruneStructured(model, { train: split }, { flops: 0.5, ...still });
    expect(counts.after.flops).toBeLessThanOrEqual(counts.before.flops / 2);
    const masked = await maskChannels(model, new Map(Object.entries(history[0]!.channelsRemoved)));
    const x = tf.tensor(split.x.values, [4, 8, 8, 3]);
    const error = tf.max(tf.abs(tf.sub(masked.predict(x) as tf.Tensor, small.predict(x) as tf.Tensor)));
    expect((await error.data())[0]).toBeLessThan(1e-5);
  });

  it('refuses bad options before any work', async () => {
    const refuse = (options: StructuredOptions, message: RegExp) =>
      expect(pruneStructured(smallCnn(), data, options)).rejects.toThrow(message);
    await refuse({}, /give a budget: flops, channels or layers/);
    await refuse({ flops: 0.5, channels: 0.5 }, /not both/);
    await refuse({ flops: 1 }, /flops must be in \(0, 1\), the fraction to remove, got 1/);
    await refuse({ channels: Number.NaN }, /channels must be in \(0, 1\)/);
    await refuse({ flops: 0.5, criterion: 'best' as never }, /criterion must be one of magnitude/);
    await refuse({ flops: 0.5, keepAtLeast: 2 }, /keepAtLeast must be in \[0, 1\]/);
    await refuse({ flops: 0.5, multipleOf: 0 }, /multipleOf must be an integer ≥ 1/);
    await refuse({ flops: 0.9, keepAtLeast: 0.9 }, /hold [\d,]+. Lower keepAtLeast/);
    await refuse({ channels: 0.01, ...still }, /less than one channel/);
    await refuse({ flops: 0.5, exclude: /./ }, /no channels that can be removed \(c1: c1 is excluded/);
    await refuse(
      { flops: 0.5, retrain: { distill: { weight: 0.5 }, loss: 'meanSquaredError' } },
      /distill needs a classifier/,
    );
    await refuse({ flops: 0.5, signal: AbortSignal.abort() }, /stopped by the AbortSignal/);
  });
});
