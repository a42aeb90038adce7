import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { removeChannels, traceChannels, type ChannelGroup } from '@ockham/core/graph';
import { countFlops } from '@ockham/core/metrics';
import { resnet } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { batchRange, distillationFrom, lossFunction, variableOf } from '@ockham/core/training';
import { costsOf, layersByPath, type Costs } from '../src/structured-costs.ts';
import { shrinkValues } from '../src/structured-importance.ts';
import { structuredSettings } from '../src/structured-options.ts';
import { formatStructuredPlan } from '../src/structured-plan.ts';
import { floorsOf, selectChannels } from '../src/structured-selection.ts';
import { corners, smallCnn } from './structured-fixtures.ts';

/** Depthwise and separable convolutions, a concatenation and a nested model. */
function mixedNet(): tf.LayersModel {
  const input = tf.input({ shape: [6, 6, 2] });
  const conv = (name: string, filters: number, x: tf.SymbolicTensor) =>
    tf.layers
      .conv2d({ name, filters, kernelSize: 3, padding: 'same', activation: 'relu' })
      .apply(x) as tf.SymbolicTensor;
  const left = tf.layers
    .depthwiseConv2d({ name: 'depth', kernelSize: 3, padding: 'same', depthMultiplier: 2 })
    .apply(conv('left', 4, input));
  const joined = tf.layers.concatenate().apply([left as tf.SymbolicTensor, conv('right', 5, input)]);
  const normal = tf.layers.batchNormalization({ name: 'bn' }).apply(joined);
  const separated = tf.layers.separableConv2d({ name: 'sep', filters: 6, kernelSize: 3 }).apply(normal);
  const head = tf.sequential({ name: 'head' });
  head.add(tf.layers.dense({ name: 'sep', inputShape: [6], units: 7, activation: 'tanh' }));
  head.add(tf.layers.dense({ name: 'out', units: 3 }));
  const pooled = tf.layers.globalMaxPooling2d({ name: 'pool' }).apply(separated);
  return tf.model({ inputs: input, outputs: head.apply(pooled) as tf.SymbolicTensor });
}

function someRemovals(groups: readonly ChannelGroup[], seed: number): Map<string, number[]> {
  const random = new Random(seed);
  const free = groups.filter(({ frozen }) => frozen === undefined);
  return new Map(
    free.map(({ id, size }) => [
      id,
      [...random.sample(size, random.integer(size - 1) + 1)].slice(0, size - 1),
    ]),
  );
}

describe('the cost model', () => {
  it.each([
    ['a chain', () => smallCnn()],
    ['a ResNet with option-A shortcuts', () => resnet({ depth: 8, inputShape: [8, 8, 3] })],
    ['mixed layers', mixedNet],
  ])('knows FLOPs and parameters of %s before it is built', async (_, make) => {
    const model = make();
    const graph = traceChannels(model);
    const costs = await costsOf(model, graph);
    for (let seed = 0; seed < 3; seed++) {
      const removals = someRemovals(graph.groups, seed);
      const { model: smaller } = await removeChannels(model, removals);
      const kept = new Map(graph.groups.map(({ id, size }) => [id, size - (removals.get(id)?.length ?? 0)]));
      expect(costs.parameters(kept)).toBeCloseTo(smaller.countParams(), 6);
      expect(costs.flops(kept) / (await countFlops(smaller)).flops).toBeCloseTo(1, 9);
      smaller.dispose();
    }
  });
});

describe('the carried gradient', () => {
  it('shrinks as the weights do', async () => {
    const model = mixedNet();
    const graph = traceChannels(model);
    const valuesOf = (of: tf.LayersModel) =>
      new Map(
        [...layersByPath(of)].flatMap(([path, layer]) =>
          layer.weights.map((weight): [string, { shape: number[]; values: Float32Array }] => [
            `${path}/${weight.originalName.split('/').at(-1)}`,
            { shape: weight.shape as number[], values: weight.read().dataSync<'float32'>().slice() },
          ]),
        ),
      );
    const removals = someRemovals(graph.groups, 4);
    const { model: smaller } = await removeChannels(model, removals);
    expect(shrinkValues(valuesOf(model), graph, removals)).toEqual(valuesOf(smaller));
  });
});

describe('the greedy choice', () => {
  const groups = ['a', 'b'].map((id) => ({ id, size: 4 }) as ChannelGroup);
  const importance = new Map([['a', Float64Array.of(4, 1, 3, 2)], ['b', Float64Array.of(1.5, 9, 9, 9)]]); // prettier-ignore
  const costs: Costs = {
    flops: (kept) => 10 * kept.get('a')! + kept.get('b')!,
    parameters: () => 0,
  };
  const choose = (left: number, options: object, kind: 'flops' | 'channels' = 'channels') => {
    const settings = structuredSettings({ channels: 0.5, ...options });
    return Object.fromEntries(
      selectChannels(groups, importance, costs, floorsOf(groups, settings), { kind, left }, settings),
    );
  };

  it('takes the least important channels of all groups first', () => {
    expect(choose(5, {})).toEqual({ a: [1, 3], b: [0] });
  });

  it('weighs importance against FLOPs where asked', () => {
    expect(choose(34, { perFlop: true }, 'flops')).toEqual({ a: [1] });
    expect(choose(34, { perFlop: false }, 'flops')).toEqual({ a: [1] });
    expect(choose(24, { perFlop: true }, 'flops')).toEqual({ a: [1, 3] });
    expect(choose(24, { perFlop: false }, 'flops')).toEqual({ a: [1, 3], b: [0] });
  });

  it('takes whole blocks, the mean of which counts', () => {
    expect(choose(6, { multipleOf: 2 })).toEqual({ a: [1, 3] });
    expect(choose(4, { multipleOf: 2 })).toEqual({ a: [1, 3], b: [0, 1] });
  });

  it('stops at the floors and says so', () => {
    expect(choose(4, { keepAtLeast: 0.5 })).toEqual({ a: [1, 3], b: [0, 1] });
    expect(() => choose(3, { keepAtLeast: 0.5 })).toThrow(/leaves 3 channels, but .* hold 4/);
    expect(choose(2, { keepAtLeast: 0 })).toEqual({ a: [1, 2, 3], b: [0, 1, 2] });
  });
});

describe('distillation', () => {
  const split = corners(5, 1);

  it.each(['crossEntropy', 'crossEntropyFromLogits'] as const)(
    'mixes the soft loss into %s as Hinton et al. write it',
    async (loss) => {
      const [weight, temperature] = [0.3, 2.5];
      const logits = loss === 'crossEntropyFromLogits';
      const [teacher, student] = [smallCnn(1), smallCnn(2)]; // any outputs will do as logits
      const { data, loss: mixed } = await distillationFrom(
        teacher,
        split,
        loss,
        { weight, temperature },
        undefined,
      );
      expect(data.y.shape).toEqual([3]);
      const { x, y } = batchRange(data, 0, 5);
      const prediction = student.predict(x) as tf.Tensor;
      const [value] = await mixed(y, prediction).data();

      // the same by plain arithmetic
      const soften = (row: number[]) => {
        const z = row.map((v) => (logits ? v : Math.log(v)) / temperature);
        const sum = z.reduce((s, v) => s + Math.exp(v), 0);
        return z.map((v) => v - Math.log(sum));
      };
      const taught = ((teacher.predict(x) as tf.Tensor).arraySync() as number[][]).map(soften);
      const said = (prediction.arraySync() as number[][]).map(soften);
      const soft = taught.map((row, i) => -row.reduce((s, logp, c) => s + Math.exp(logp) * said[i]![c]!, 0));
      const [hard] = await lossFunction(loss)(batchRange(split, 0, 5).y, prediction).data();
      const expected = (1 - weight) * hard! + (weight * temperature ** 2 * soft.reduce((a, b) => a + b)) / 5;
      expect(value).toBeCloseTo(expected, 4);
    },
  );

  it('has no gradient where the student already agrees with its teacher', async () => {
    const teacher = smallCnn(1);
    const { data, loss } = await distillationFrom(teacher, split, 'crossEntropy', { weight: 1 }, undefined);
    const { x, y } = batchRange(data, 0, 5);
    const bias = variableOf(teacher.layers.at(-1)!.weights[1]!);
    const { grads } = tf.variableGrads(() => loss(y, teacher.apply(x) as tf.Tensor) as tf.Scalar, [bias]);
    for (const value of await grads[bias.name]!.data()) expect(Math.abs(value)).toBeLessThan(1e-5);
  });
});

describe('formatStructuredPlan', () => {
  it('is an aligned table', () => {
    const text = formatStructuredPlan({
      rows: [
        { group: 'c1', producers: ['c1'], before: 32, after: 8 },
        {
          group: 's',
          producers: ['stem', 'one', 'two', 'three'],
          before: 16,
          after: 16,
          leftAlone: 'two is excluded',
        },
      ],
      blocks: [{ add: 'add_3', layers: ['x'] }],
      flops: { before: 4_873_444, after: 2_400_000 },
      parameters: { before: 34_826, after: 12_000 },
    });
    expect(text.split('\n')).toEqual([
      'channels of                 now      after',
      'c1                           32          8  25.0 %',
      'stem, one and 2 more         16         16  two is excluded',
      'parameters               34,826     12,000  34.5 %',
      'FLOPs                 4,873,444  2,400,000  49.2 %',
      'residual block before add_3: removed',
    ]);
  });
});
