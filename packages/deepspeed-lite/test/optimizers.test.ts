import { readFileSync } from 'node:fs';
import { simulate } from '@ockham/core/comm';
import { Random } from '@ockham/core/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  flatLayout,
  lamb,
  optimizerFrom,
  sgd,
  shareOfRank,
  type FlatLayout,
  type FlatOptimizer,
  type OptimizerConfig,
  type SumOverSlices,
} from '../src/index.ts';

interface Reference {
  readonly shapes: readonly (readonly number[])[];
  readonly start: readonly number[];
  readonly gradients: readonly (readonly number[])[];
  readonly cases: readonly { optimizer: OptimizerConfig; learningRate: number; steps: number[][] }[];
}
const reference = JSON.parse(
  readFileSync(new URL('fixtures/optimizers.json', import.meta.url), 'utf8'),
) as Reference;

const alone: SumOverSlices = (partial) => Promise.resolve(partial);
const named = (shapes: readonly (readonly number[])[]) =>
  shapes.map((shape, i) => ({ name: `w${i}`, shape }));
const stateOf = ({ slots }: FlatOptimizer, length: number) =>
  Object.fromEntries(slots.map((slot) => [slot, new Float32Array(length)]));

const OPTIMIZERS: OptimizerConfig[] = [
  'sgd',
  'momentum',
  'nesterov',
  'adam',
  'adamW',
  'lion',
  { name: 'lamb', weightDecay: 0.1 },
];

/** Parameters after `gradients.length` updates in the slices that `cuts` makes, each a rank of its own. */
async function train(
  config: OptimizerConfig,
  layout: FlatLayout,
  cuts: readonly (readonly [number, number])[],
  start: Float32Array,
  gradients: readonly Float32Array[],
): Promise<Float32Array> {
  const { results } = await simulate(cuts.length, async ({ comm }) => {
    const [begin, end] = cuts[comm.rank]!;
    const optimizer = optimizerFrom(config);
    const slice = {
      parameters: start.slice(begin, end),
      state: stateOf(optimizer, end - begin),
      begin,
      end,
      layout,
    };
    const sumOverSlices: SumOverSlices = (partial) => comm.allReduce(partial);
    for (const [k, g] of gradients.entries()) {
      await optimizer.step(slice, g.slice(begin, end), { step: k + 1, learningRate: 0.01, sumOverSlices });
    }
    return slice.parameters;
  });
  return Float32Array.from(results.flatMap((part) => [...part]));
}

describe('the optimizers', () => {
  it.each(reference.cases)('$optimizer steps as the reference does', async (given) => {
    const optimizer = optimizerFrom(given.optimizer);
    const layout = flatLayout(named(reference.shapes), 1);
    const parameters = Float32Array.from(reference.start);
    const slice = {
      parameters,
      state: stateOf(optimizer, layout.padded),
      begin: 0,
      end: layout.padded,
      layout,
    };
    for (const [k, gradients] of reference.gradients.entries()) {
      const context = { step: k + 1, learningRate: given.learningRate, sumOverSlices: alone };
      await optimizer.step(slice, Float32Array.from(gradients), context);
      given.steps[k]!.forEach((expected, i) => {
        expect(Math.abs(parameters[i]! - expected), `step ${k + 1}, element ${i}`).toBeLessThanOrEqual(
          2e-6 * Math.max(0.1, Math.abs(expected)),
        );
      });
    }
  });

  it.each(OPTIMIZERS.map((config) => [config]))(
    '%j in slices gives the bits of the whole',
    async (config) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
          fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 4 }),
          fc.integer({ min: 0, max: 1e6 }),
          async (sizes, points, seed) => {
            const layout = flatLayout(named(sizes.map((size) => [size])), 3);
            const random = new Random(seed);
            const draw = () =>
              Float32Array.from({ length: layout.padded }, (_, i) =>
                i < layout.length ? random.normal() * 10 ** random.uniform(-6, 6) : 0,
              );
            const [start, gradients] = [draw(), [draw(), draw(), draw()]];
            const cuts = [
              0,
              ...points.map((p) => p % (layout.padded + 1)).sort((a, b) => a - b),
              layout.padded,
            ];
            const slices = cuts.slice(1).map((end, i) => [cuts[i]!, end] as const);
            const whole = await train(config, layout, [[0, layout.padded]], start, gradients);
            expect(await train(config, layout, slices, start, gradients)).toEqual(whole);
            expect([...whole.subarray(layout.length)].every((x) => x === 0)).toBe(true);
          },
        ),
        { numRuns: 25 },
      );
    },
  );

  it('takes the norms of LAMB over the slices of all ranks', async () => {
    const layout = flatLayout(named([[5], [2, 3]]), 2);
    const start = Float32Array.from({ length: layout.padded }, (_, i) => (i < 11 ? i + 1 : 0));
    const gradient = Float32Array.from({ length: layout.padded }, (_, i) => (i < 11 ? (-1) ** i : 0));
    const shares = [shareOfRank(layout, 0), shareOfRank(layout, 1)];
    const found = await train({ name: 'lamb', weightDecay: 0, epsilon: 0 }, layout, shares, start, [
      gradient,
    ]);
    // the first step of Adam is the sign of the gradient: norms √5 and √6
    const weights = [Math.hypot(1, 2, 3, 4, 5), Math.hypot(6, 7, 8, 9, 10, 11)];
    const ratios = [weights[0]! / Math.sqrt(5), weights[1]! / Math.sqrt(6)];
    const expected = [...start].map((x, i) => (i < 11 ? x - 0.01 * ratios[i < 5 ? 0 : 1]! * (-1) ** i : 0));
    expected.forEach((x, i) => expect(found[i]).toBeCloseTo(x, 5));
  });

  it('leaves a layer whose weights are all 0 to the plain direction', async () => {
    const layout = flatLayout(named([[2]]), 1);
    const options = { name: 'lamb', weightDecay: 0, epsilon: 0 } as const;
    const found = await train(options, layout, [[0, 2]], new Float32Array(2), [new Float32Array([4, -1])]);
    expect([...found]).toEqual([...new Float32Array([-0.01, 0.01])]);
  });

  it('carries a gradient that is not finite into the parameters, where it can be seen', async () => {
    const layout = flatLayout(named([[2], [1]]), 1);
    const found = await train('lamb', layout, [[0, 3]], new Float32Array([1, 1, 1]), [
      new Float32Array([NaN, 1, 1]),
    ]);
    expect([...found].map(Number.isFinite)).toEqual([false, false, true]);
  });

  it('keeps 0, 4 or 8 bytes of state for each parameter', () => {
    const slots = OPTIMIZERS.map((config) => optimizerFrom(config).slots.length * 4);
    expect(slots).toEqual([0, 4, 4, 8, 8, 4, 8]);
  });

  it('takes one of your own as it is', () => {
    const own = sgd({ momentum: 0.5 });
    expect(optimizerFrom(own)).toBe(own);
  });

  it.each([
    [() => optimizerFrom('adamax' as 'adam'), 'optimizer must be sgd, momentum'],
    [() => optimizerFrom('toString' as 'adam'), 'optimizer must be sgd, momentum'],
    [() => optimizerFrom({ name: 'adam', beta1: 1 }), 'beta1 must be in [0, 1), got 1'],
    [() => optimizerFrom({ name: 'lion', weightDecay: NaN }), 'weightDecay must be finite and ≥ 0, got NaN'],
    [() => sgd({ nesterov: true }), 'nesterov needs momentum'],
    [() => lamb({ trustRatio: [2, 1] }), 'trustRatio must be [low, high]'],
  ])('refuses what makes no sense, case %#', (make, message) => {
    expect(make).toThrow(message);
  });
});
