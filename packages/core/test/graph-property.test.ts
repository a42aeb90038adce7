import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskChannels, removeChannels, traceChannels, type ChannelGroup } from '@ockham/core/graph';
import { Random } from '@ockham/core/random';
import {
  difference,
  flatLayers,
  inputsOf,
  lastName,
  outputsOf,
  PadSides,
  randomise,
} from './graph-models.ts';

type Node = tf.SymbolicTensor;
const through = (layer: tf.layers.Layer, x: Node | Node[]) => layer.apply(x) as Node;

/** A random net of convolutions, merges and shortcuts; with `odd` activations all have f(0) = 0. */
function randomNet(random: Random, odd: boolean): tf.LayersModel {
  const activations = odd
    ? (['relu', 'tanh', 'linear'] as const)
    : (['sigmoid', 'softplus', 'elu', 'hardSigmoid'] as const);
  const activation = () => activations[random.integer(activations.length)]!;
  const width = () => 2 + random.integer(4);
  const conv = (x: Node, filters: number) =>
    through(
      tf.layers.conv2d({
        filters,
        kernelSize: 1 + 2 * random.integer(2),
        padding: 'same',
        activation: activation(),
      }),
      x,
    );
  const channels = (x: Node) => x.shape.at(-1)!;
  const steps: ((x: Node) => Node)[] = [
    (x) => conv(x, width()),
    (x) => through(tf.layers.batchNormalization({}), x),
    (x) => through(tf.layers.activation({ activation: activation() }), x),
    (x) => through(tf.layers.add(), [conv(x, channels(x)), x]),
    (x) => through(tf.layers.average(), [conv(x, channels(x)), conv(x, channels(x)), x]),
    (x) => through(tf.layers.multiply(), [x, conv(x, channels(x))]),
    (x) => through(tf.layers.maximum(), [conv(x, channels(x)), x]),
    (x) => through(tf.layers.concatenate(), [conv(x, width()), x]),
    (x) =>
      through(tf.layers.add(), [conv(x, channels(x) + 3), through(new PadSides({ before: 1, after: 2 }), x)]),
    (x) =>
      through(
        tf.layers.separableConv2d({ filters: width(), kernelSize: 3, padding: 'same', depthMultiplier: 2 }),
        x,
      ),
    (x) => through(tf.layers.prelu({ sharedAxes: [1, 2] }), x),
    (x) => through(tf.layers.dropout({ rate: 0.5 }), x),
  ];
  // a depthwise bias keeps a masked channel alive, which the filter mask of the second property cannot see
  if (!odd)
    steps.push((x) =>
      through(tf.layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', depthMultiplier: 2 }), x),
    );
  const input = tf.input({ shape: [4, 4, 2] });
  let x = conv(input, width());
  for (let depth = 3 + random.integer(5); depth > 0; depth--) {
    if (channels(x) < 24) x = steps[random.integer(steps.length)]!(x);
  }
  x = through(tf.layers.maxPooling2d({ poolSize: 2 }), x);
  x =
    random.uniform() < 0.5
      ? through(tf.layers.flatten(), x)
      : through(tf.layers.globalAveragePooling2d({}), x);
  x = through(tf.layers.dense({ units: 4, activation: activation() }), x);
  return tf.model({ inputs: input, outputs: through(tf.layers.dense({ units: 3 }), x) });
}

/** Some channels of every group that may lose any, never all. */
function randomRemovals(groups: readonly ChannelGroup[], random: Random): Map<string, number[]> {
  const free = groups.filter(({ frozen, size }) => frozen === undefined && size > 1);
  return new Map(free.map(({ id, size }) => [id, [...random.sample(size, random.integer(size))]]));
}

/** Zeroes filters, their biases and the β and γ behind them: what unstructured pruning does to a whole filter. */
function maskFilters(
  model: tf.LayersModel,
  groups: readonly ChannelGroup[],
  removals: ReadonlyMap<string, number[]>,
): void {
  const layers = new Map(flatLayers(model).map((layer) => [layer.name, layer]));
  for (const { id, slices } of groups) {
    for (const { layer, weight, axis, role, positions } of slices) {
      if (role === 'input' || /moving|alpha/.test(weight)) continue;
      const target = layers
        .get(layer)!
        .weights.find(({ originalName }) => lastName(originalName) === weight)!;
      const gone = (removals.get(id) ?? []).flatMap((index) => positions[index]!);
      const mask = Float32Array.from({ length: target.shape[axis]! }, (_, i) => (gone.includes(i) ? 0 : 1));
      const shape = target.shape.map((d, i) => (i === axis ? d! : 1));
      tf.tidy(() => void target.write(tf.mul(target.read(), tf.tensor(mask, shape))));
    }
  }
}

describe('removeChannels on random nets', () => {
  const run = (odd: boolean) =>
    fc.asyncProperty(fc.integer({ min: 0, max: 1e9 }), async (seed) => {
      const random = new Random(seed);
      const start = tf.memory().numTensors;
      const model = randomise(randomNet(random, odd), seed + 1);
      const inputs = inputsOf(model, seed + 2);
      const { groups } = traceChannels(model);
      const removals = randomRemovals(groups, random);
      if ([...removals.values()].some((indexes) => indexes.length > 0)) {
        const { model: smaller, removed } = await removeChannels(model, removals);
        const masked = odd ? model : await maskChannels(model, removals);
        if (odd) maskFilters(model, groups, removals);
        expect(difference(outputsOf(masked, inputs), outputsOf(smaller, inputs))).toBeLessThan(1e-5);
        const saved = removed.reduce((sum, { parameters }) => sum + parameters.before - parameters.after, 0);
        expect(smaller.countParams()).toBe(model.countParams() - saved);
        expect(saved).toBeGreaterThan(0);
        smaller.dispose();
        if (!odd) masked.dispose();
      }
      model.dispose();
      tf.dispose(inputs);
      expect(tf.memory().numTensors).toBe(start);
    });

  it('computes what the model with masked filters computes', async () => {
    await fc.assert(run(true), { numRuns: 25, seed: 11 });
  });

  it('computes what the model with masked readers computes, whatever f(0) is', async () => {
    await fc.assert(run(false), { numRuns: 25, seed: 12 });
  });
});
