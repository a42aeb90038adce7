import { layers, memory, sequential, train as optimizers } from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meanGradients } from '@ockham/core/training';
import { masksOf, prunableWeights, prune, type PruneOptions, type PruneRecord } from '@ockham/fw-prune';
import { clusters, kernelsOf, network, setValues, weightsOf } from './fixtures/clusters.ts';

const data = { train: clusters() };
const quick = {
  iterations: 3,
  subsample: 32,
  report: false,
  retrain: { epochs: 1, batchSize: 16 },
  seed: 1,
} satisfies Partial<PruneOptions>;
const once = { method: 'simple', report: false, retrain: { epochs: 0 } } satisfies Partial<PruneOptions>;
const isPruned = (kernels: number[][]) => kernels.map((kernel) => kernel.map((w) => w === 0));

/** Prunes `network()` and gives plain data back. */
async function outcome(options: PruneOptions, model = network()) {
  const { model: pruned, masks, history } = await prune(model, data, options);
  const result = {
    kernels: await kernelsOf(pruned),
    weights: await weightsOf(pruned),
    bits: masks.allBits().map((b) => [...b]),
    history,
  };
  masks.dispose();
  pruned.dispose();
  return result;
}

describe('prune', () => {
  it('simple: sets the round(s·n) smallest magnitudes to zero and keeps the rest as it is', async () => {
    const model = network();
    const before = (await kernelsOf(model)).flat();
    const { kernels } = await outcome({ ...once, sparsity: 0.3, floor: 0 }, model);
    const order = [...before.keys()].sort((a, b) => Math.abs(before[a]!) - Math.abs(before[b]!));
    const expected = [...before];
    for (const i of order.slice(0, Math.round(0.3 * 56))) expected[i] = 0;
    expect(kernels.flat()).toEqual(expected);
  });

  it('leaves the given model as it was', async () => {
    const model = network();
    const before = await weightsOf(model);
    await outcome({ ...quick, sparsity: 0.8 }, model);
    expect(await weightsOf(model)).toEqual(before);
  });

  it.each(['simple', 'frank-wolfe', 'frank-wolfe-momentum'] as const)(
    '%s leaves exactly the weights asked for, by the masks and in the model',
    async (method) => {
      const { kernels, bits, history } = await outcome({ ...quick, method, sparsity: 0.77 });
      const kept = 56 - Math.round(0.77 * 56);
      expect(bits.flat().filter((bit) => bit === 1)).toHaveLength(kept);
      expect(isPruned(kernels)).toEqual(bits.map((b) => b.map((bit) => bit === 0)));
      const { nonZeros, nonZerosAfterRetraining, sparsity } = history.at(-1)!;
      expect([nonZeros, nonZerosAfterRetraining, sparsity]).toEqual([kept, kept, 1 - kept / 56]);
    },
  );

  it('removes exactly round(s·n) weights for every sparsity and scope', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0.01, max: 0.9, noNaN: true }),
        fc.constantFrom('global', 'layer', 'lamp'),
        async (sparsity, scope) => {
          const { bits } = await outcome({ ...once, sparsity, scope });
          expect(bits.flat().filter((bit) => bit === 0)).toHaveLength(Math.round(sparsity * 56));
        },
      ),
      { numRuns: 25, seed: 1 },
    );
  });

  it('raises sparsity step by step in Alg. 4 and prunes twice in Alg. 3', async () => {
    const steps = (history: readonly PruneRecord[]) =>
      history.map(({ pruned, nonZeros }) => [pruned, nonZeros]);
    const momentum = await outcome({
      ...quick,
      schedule: 'linear',
      ramp: 1,
      sparsity: 0.75,
      initialSparsity: 0.25,
    });
    expect(steps(momentum.history)).toEqual([
      [true, 42],
      [true, 28],
      [true, 14],
    ]);
    const plain = await outcome({ ...quick, method: 'frank-wolfe', iterations: 5, sparsity: 0.75 });
    expect(steps(plain.history)).toEqual([
      [false, 56],
      [true, 14],
      [false, 14],
      [false, 14],
      [true, 14],
    ]);
  });

  it('stops one Δs short of the final sparsity in the printed Alg. 4', async () => {
    const { history } = await outcome({
      ...quick,
      form: 'printed',
      iterations: 5,
      initialSparsity: 0.25,
      sparsity: 0.75,
      retrain: { epochs: 0 },
    });
    expect(history.map(({ nonZeros }) => nonZeros)).toEqual([42, 36, 31, 25, 20]); // 0.25, 0.35 … 0.65
  });

  it('prints Alg. 2 and 3 with masks that are released, and Alg. 3 with a single pruning for odd N', async () => {
    const printed = { ...quick, form: 'printed', sparsity: 0.5, subsample: 4 } as const;
    const simple = await outcome({ ...printed, method: 'simple', iterations: 1 });
    expect(simple.history.map(({ nonZeros }) => nonZeros)).toEqual([28]);
    expect(simple.history[0]!.nonZerosAfterRetraining).toBeGreaterThan(28);
    const plain = await outcome({ ...printed, method: 'frank-wolfe', iterations: 3 });
    expect(plain.history.map(({ pruned }) => pruned)).toEqual([false, false, true]);
    expect(plain.history[2]!.nonZerosAfterRetraining).toBeGreaterThan(28);
  });

  it('prunes by the gradient of the loss over the subsample', async () => {
    const model = network();
    const gradients = meanGradients(model, data.train);
    const G = (
      await Promise.all(prunableWeights(model).map(({ variable }) => gradients[variable.name]!.data()))
    ).flatMap((g) => [...g]);
    Object.values(gradients).forEach((g) => g.dispose());
    const w = (await kernelsOf(model)).flat();
    const options = {
      ...once,
      method: 'frank-wolfe-momentum',
      iterations: 1,
      sparsity: 0.5,
      scope: 'global',
      floor: 0,
    } as const;
    for (const [criterion, score] of [
      ['gradient', (i: number) => Math.abs(G[i]!)],
      ['weight-gradient', (i: number) => Math.abs(w[i]! * G[i]!)],
    ] as const) {
      const smallest = [...w.keys()].sort((a, b) => score(a) - score(b)).slice(0, 28);
      const { bits } = await outcome({ ...options, criterion }, model);
      expect([...bits.flat().entries()].filter(([, bit]) => bit === 0).map(([i]) => i)).toEqual(
        smallest.sort((a, b) => a - b),
      );
    }
  });

  it('takes the same gradient in large batches and from single instances', async () => {
    const one = await outcome({
      ...quick,
      sparsity: 0.6,
      criterion: 'weight-gradient',
      gradientPasses: 'single',
      subsample: 8,
    });
    const all = await outcome({ ...quick, sparsity: 0.6, criterion: 'weight-gradient', subsample: 8 });
    expect(one.bits).toEqual(all.bits);
  });

  it('finds the printed momentum inert and the accumulated one not', async () => {
    const growing = {
      iterations: 4,
      schedule: 'linear',
      ramp: 1,
      initialSparsity: 0.4,
      sparsity: 0.8,
    } as const;
    const options = { ...quick, ...growing, scope: 'global', criterion: 'gradient', subsample: 8 } as const;
    const none = await outcome({ ...options, momentum: 0 });
    const printed = await outcome({ ...options, momentum: 0.9, momentumForm: 'printed' });
    const accumulated = await outcome({ ...options, momentum: 0.9, momentumForm: 'accumulated' });
    expect(printed.bits).toEqual(none.bits);
    expect(printed.weights).toEqual(none.weights);
    expect(accumulated.bits).not.toEqual(none.bits);
  });

  it('lets weights grow back with mask release and says how many', async () => {
    const { history, bits } = await outcome({ ...quick, method: 'simple', mask: 'release', sparsity: 0.5 });
    const last = history.at(-1)!;
    expect(last.nonZeros).toBe(28);
    expect(bits.flat().filter((bit) => bit === 1)).toHaveLength(28);
    expect(last.nonZerosAfterRetraining).toBeGreaterThan(40);
  });

  it('chooses pruned weights again only with regrow', async () => {
    const masksAt = async (regrow: boolean) => {
      let iteration = 0;
      // the second time every score is turned round
      const criterion: PruneOptions['criterion'] = ({ shape }) => {
        const size = shape[0]! * shape[1]!;
        return Array.from({ length: size }, (_, i) => (iteration === 0 ? i : size - i));
      };
      const { bits } = await outcome({
        method: 'frank-wolfe',
        report: false,
        iterations: 2,
        sparsity: 0.5,
        scope: 'layer',
        regrow,
        criterion,
        retrain: { epochs: 0 },
        onIteration: () => {
          iteration++;
        },
      });
      return bits[0]!.map((bit) => bit === 1);
    };
    expect(await masksAt(false)).toEqual(Array.from({ length: 16 }, (_, i) => i >= 8));
    expect(await masksAt(true)).toEqual(Array.from({ length: 16 }, (_, i) => i < 8));
  });

  it('keeps a floor in every layer, by default and on request', async () => {
    const model = network();
    const tiny = prunableWeights(model)[2]!.variable;
    setValues(
      tiny,
      Float32Array.from({ length: 8 }, (_, i) => 1e-6 * (i + 1)),
    ); // global pruning would empty it
    const count = async (options: Partial<PruneOptions>) =>
      (await outcome({ ...once, sparsity: 0.5, ...options }, model)).bits[2]!.filter((bit) => bit === 1)
        .length;
    expect(await count({})).toBe(1);
    expect(await count({ floor: 0 })).toBe(0);
    expect(await count({ floor: 0.3 })).toBe(3);
    expect(await count({ scope: 'layer' })).toBe(4);
    expect(await count({ scope: 'lamp', floor: 0 })).toBeGreaterThanOrEqual(1);
  });

  it.each([
    ['a name', 'second'],
    ['a pattern', /^sec/],
    ['a predicate', (layer: { name: string }) => layer.name === 'second'],
    ['a list', ['second', /nothing/]],
  ])('leaves layers dense that are excluded by %s', async (_, exclude) => {
    const { bits } = await outcome({ ...once, sparsity: 0.5, exclude: exclude });
    expect(bits[1]!.every((bit) => bit === 1)).toBe(true);
    expect([...bits[0]!, ...bits[2]!].filter((bit) => bit === 0)).toHaveLength(12); // half of 16 + 8
  });

  it('leaves frozen layers as they are', async () => {
    const model = network();
    model.layers[0]!.trainable = false;
    const { bits, kernels } = await outcome({ ...quick, sparsity: 0.5 }, model);
    expect(bits[0]!.every((bit) => bit === 1)).toBe(true);
    expect(kernels[0]).toEqual((await kernelsOf(model))[0]);
  });

  it('prunes a pruned model further and keeps its first mask', async () => {
    const first = await prune(network(), data, { ...quick, sparsity: 0.5 });
    const second = await prune(first.model, data, { ...quick, sparsity: 0.8 });
    const [a, b] = [first.masks.allBits(), second.masks.allBits()];
    expect(b.every((bits, k) => bits.every((bit, i) => bit <= a[k]![i]!))).toBe(true);
    expect(second.masks.kept).toBe(56 - Math.round(0.8 * 56));
    for (const { model, masks } of [first, second]) {
      masks.dispose();
      model.dispose();
    }
  });

  it('gives the same bits for the same seed and others for another', async () => {
    const run = (seed: number) => outcome({ ...quick, sparsity: 0.7, seed });
    expect(await run(3)).toEqual(await run(3));
    expect((await run(3)).weights).not.toEqual((await run(4)).weights);
  });

  it('carries one optimizer through all iterations unless asked for fresh ones, and keeps one that is given', async () => {
    const run = (retrain: PruneOptions['retrain']) =>
      outcome({ ...quick, sparsity: 0.7, retrain: { ...quick.retrain, ...retrain } });
    const fresh = await run({ optimizer: 'adam', optimizerState: 'fresh' });
    const continued = await run({ optimizer: 'adam' });
    const adam = optimizers.adam(0.001);
    const given = await run({ optimizer: adam });
    expect(continued.weights).not.toEqual(fresh.weights);
    expect(given.weights).toEqual(continued.weights);
    expect(adam.iterations).toBe(9); // three iterations of three batches
    adam.dispose();
  });

  it('runs a learning-rate schedule over all iterations together', async () => {
    const seen: [number, number][] = [];
    await outcome({
      ...quick,
      sparsity: 0.7,
      retrain: { ...quick.retrain, learningRate: (step, total) => (seen.push([step, total]), 0.01) },
    });
    expect(seen).toEqual(Array.from({ length: 9 }, (_, step) => [step, 9]));
    const constant = await outcome({
      ...quick,
      sparsity: 0.7,
      retrain: { ...quick.retrain, learningRate: 0.01 },
    });
    const schedule = await outcome({
      ...quick,
      sparsity: 0.7,
      retrain: { ...quick.retrain, learningRate: () => 0.01 },
    });
    expect(constant.weights).toEqual(schedule.weights);
  });

  it('learns from the dense model with distillation', async () => {
    const weights = async (distill?: { weight: number }) =>
      (await outcome({ ...quick, sparsity: 0.7, retrain: { ...quick.retrain, ...(distill && { distill }) } }))
        .weights;
    const plain = await weights();
    expect(await weights({ weight: 0.5 })).not.toEqual(plain);
    const faint = (await weights({ weight: 1e-6 })).flat();
    for (const [i, w] of plain.flat().entries()) expect(faint[i]).toBeCloseTo(w, 3);
  });

  it('reports every iteration, with test figures where there is a test split', async () => {
    const records: PruneRecord[] = [];
    const stages = new Set<string>();
    const { model, masks, history } = await prune(
      network(),
      { ...data, test: clusters(20, 2) },
      {
        ...quick,
        sparsity: 0.5,
        onIteration: (record) => void records.push(record),
        progress: ({ stage, done, total }) => void stages.add(`${stage}: ${done}/${total}`),
      },
    );
    expect(records).toEqual(history);
    expect([...stages].slice(0, 4)).toEqual([
      'prune 1/3: 1/3',
      'prune 1/3: 2/3',
      'prune 1/3: 3/3',
      'prune 2/3: 1/3',
    ]);
    for (const { accuracy, testLoss, loss } of history) {
      expect(accuracy).toBeGreaterThan(0.5);
      expect(testLoss).toBeGreaterThan(0);
      expect(loss).toBeGreaterThan(0);
    }
    masks.dispose();
    model.dispose();
  });

  it('compares before and after in one report, with what did not get better', async () => {
    const before = memory().numTensors;
    const given = network();
    const made = memory().numTensors;
    const { model, masks, report } = await prune(
      given,
      { ...data, test: clusters(20, 2) },
      {
        ...quick,
        sparsity: 0.9,
        report: { latency: { batch: [1], repeats: 5, warmup: 0 } },
      },
    );
    expect(report!.before).toMatchObject({ kernels: 56, nonZeroKernels: 56, sparsity: 0 });
    expect(report!.after).toMatchObject({ kernels: 56, nonZeroKernels: 6 });
    expect(report!.after.files['sparse']).toBeGreaterThan(0);
    expect(report!.after.accuracy).toBeGreaterThan(0);
    expect(report!.after.latency).toHaveLength(1);
    expect(report!.warnings.join()).toMatch(/not faster|faster: latency|slower|smaller|fell/);
    masks.dispose();
    model.dispose();
    expect(memory().numTensors).toBe(made);
    expect(made).toBeGreaterThan(before);
  });

  it('prunes a regression model', async () => {
    const model = sequential({
      layers: [layers.dense({ inputShape: [2], units: 6, activation: 'tanh' }), layers.dense({ units: 1 })],
    });
    const split = { ...data.train, y: { values: Float32Array.from(data.train.y.values), shape: [1] } };
    const {
      model: pruned,
      masks,
      history,
    } = await prune(
      model,
      { train: split, test: split },
      {
        ...quick,
        sparsity: 0.5,
        report: { latency: false },
        retrain: { ...quick.retrain, loss: 'meanSquaredError' },
      },
    );
    expect(masks.kept).toBe(9);
    expect(history[0]).not.toHaveProperty('accuracy');
    masks.dispose();
    pruned.dispose();
  });

  it.each(['simple', 'frank-wolfe', 'frank-wolfe-momentum'] as const)(
    '%s leaks no tensor',
    async (method) => {
      const model = network();
      const before = memory().numTensors;
      await outcome(
        { ...quick, method, sparsity: 0.6, retrain: { ...quick.retrain, optimizerState: 'continued' } },
        model,
      );
      expect(memory().numTensors).toBe(before);
    },
  );

  it('stops at the signal and leaves nothing behind', async () => {
    const model = network();
    const before = memory().numTensors;
    const controller = new AbortController();
    const run = prune(model, data, {
      ...quick,
      sparsity: 0.6,
      signal: controller.signal,
      progress: ({ stage, done }) => stage === 'prune 2/3' && done === 2 && controller.abort(),
    });
    await expect(run).rejects.toMatchObject({ code: 'aborted' });
    expect(memory().numTensors).toBe(before);
  });

  it('returns a plan and does nothing on a dry run', async () => {
    const model = network();
    const before = memory().numTensors;
    const { rows, kept, prunings } = await prune(model, data, {
      ...quick,
      sparsity: 0.5,
      initialSparsity: 0.25,
      schedule: 'linear',
      ramp: 1,
      dryRun: true,
    });
    expect(rows.map(({ name, size }) => [name, size])).toEqual([
      ['first/kernel', 16],
      ['second/kernel', 32],
      ['last/kernel', 8],
    ]);
    expect(kept).toBe(28);
    expect(prunings.map(({ removed }) => removed)).toEqual([14, 21, 28]);
    expect(memory().numTensors).toBe(before);
  });

  const bad: [string, Partial<PruneOptions>, RegExp][] = [
    ['sparsity 1.2', { sparsity: 1.2 }, /sparsity must be .* \[0, 1\), got 1\.2/],
    ['sparsity 1', { sparsity: 1 }, /sparsity/],
    ['a negative sparsity', { sparsity: -0.1 }, /got -0\.1/],
    ['a sparsity that is not a number', { sparsity: NaN }, /got NaN/],
    ['a sparsity in words', { sparsity: '0.5' as never }, /sparsity/],
    ['an unknown method', { method: 'l0' as never }, /simple, frank-wolfe, frank-wolfe-momentum, got "l0"/],
    ['an unknown criterion', { criterion: 'taylor' as never }, /weight-gradient/],
    ['an unknown scope', { scope: 'local' as never }, /global, layer, lamp/],
    ['an unknown schedule', { schedule: 'square' as never }, /one-shot, linear, cubic/],
    ['no iterations', { iterations: 0 }, /iterations must be an integer ≥ 1/],
    ['one iteration of Alg. 3', { method: 'frank-wolfe', iterations: 1 }, /integer ≥ 2/],
    ['a momentum of 1', { momentum: 1 }, /momentum/],
    ['an initial sparsity above the final', { initialSparsity: 0.6 }, /\[0, sparsity\] = \[0, 0\.5\]/],
    ['a floor that leaves too much', { floor: 0.9 }, /leaves 28 of 56 weights, but the floor 0\.9 keeps 5\d/],
    ['a ramp of 0', { ramp: 0 }, /ramp/],
    ['an empty subsample', { subsample: 0 }, /subsample/],
    ['a curvature of 0', { curvature: 0 }, /curvature/],
    ['negative epochs', { retrain: { epochs: -1 } }, /retrain\.epochs/],
    [
      'distillation of a loss without classes',
      { retrain: { distill: { weight: 0.5 }, loss: 'meanSquaredError' } },
      /retrain\.distill needs a classifier: retrain\.loss must be crossEntropy/,
    ],
    ['a distillation weight of 2', { retrain: { distill: { weight: 2 } } }, /distill\.weight/],
    [
      'an unknown optimizer',
      { retrain: { optimizer: 'rmsprop' as never } },
      /sgd, momentum, adam, got "rmsprop"/,
    ],
    [
      'a rate below 0',
      { retrain: { optimizer: { name: 'sgd', learningRate: -1 } } },
      /rate must be positive/,
    ],
    ['a misspelt layer', { exclude: ['first', 'lsat'] }, /no such layer, only .*last/],
    ['a batch size of 0', { retrain: { batchSize: 0 } }, /retrain\.batchSize/],
    ['every layer excluded', { exclude: /./ }, /no layer is left to prune: first \(excluded\)/],
  ];
  it.each(bad)('refuses %s before any work', async (_, options, message) => {
    const before = memory().numTensors;
    const model = network();
    const made = memory().numTensors;
    const error = await prune(model, data, {
      sparsity: 0.5,
      ...options,
      progress: () => expect.unreachable(),
    }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'invalid-argument', message: expect.stringMatching(message) });
    expect(memory().numTensors).toBe(made);
    expect(made).toBeGreaterThan(before);
  });

  const badData: [string, (split: typeof data.train) => typeof data.train, RegExp][] = [
    ['an empty split', (s) => ({ ...s, size: 0 }), /at least one example/],
    [
      'NaN inputs',
      (s) => ({ ...s, x: { ...s.x, values: Float32Array.from(s.x.values, (v, i) => (i === 3 ? NaN : v)) } }),
      /NaN in example 1/,
    ],
    [
      'labels out of range',
      (s) => ({ ...s, y: { ...s.y, values: Int32Array.from(s.y.values, (v) => v + 1) } }),
      /integers in \[0, 1\]/,
    ],
    [
      'labels in a column',
      (s) => ({ ...s, y: { ...s.y, shape: [1] } }),
      /class indexes of shape \[\] for each example, got \[1\]/,
    ],
    [
      'inputs of another shape',
      (s) => ({ ...s, x: { ...s.x, shape: [2, 1] } }),
      /takes inputs of \[2\], the train split has \[2, 1\]/,
    ],
  ];
  it.each(badData)('refuses %s, in training and test data', async (_, change, message) => {
    const wrong = change(data.train);
    await expect(prune(network(), { train: wrong }, { sparsity: 0.5 })).rejects.toThrow(message);
    const inTest = prune(network(), { ...data, test: wrong }, { sparsity: 0.5 });
    await expect(inTest).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(/test split/),
    });
  });

  it('throws where nothing would change', async () => {
    for (const sparsity of [0, 0.4 / 56]) {
      await expect(prune(network(), data, { ...once, sparsity })).rejects.toMatchObject({
        code: 'nothing-changed',
        message: expect.stringMatching(/rounds to 0 removed weights/),
      });
    }
    const { model, masks } = await prune(network(), data, { ...once, sparsity: 0.5 });
    await expect(prune(model, data, { ...once, sparsity: 0.5 })).rejects.toMatchObject({
      code: 'nothing-changed',
      message: expect.stringMatching(/28 of the 56 weights are 0 already/),
    });
    masks.dispose();
    model.dispose();
  });

  it('says that a model without kernels cannot be pruned', async () => {
    const model = sequential({ layers: [layers.activation({ inputShape: [2], activation: 'softmax' })] });
    await expect(prune(model, data, { sparsity: 0.5 })).rejects.toMatchObject({
      code: 'unsupported-model',
      message: expect.stringMatching(/no prunable layer/),
    });
  });

  it('recovers the returned masks from the returned model', async () => {
    const { model, masks } = await prune(network(), data, { ...quick, sparsity: 0.6 });
    expect((await masksOf(model)).allBits()).toEqual(masks.allBits());
    masks.dispose();
    model.dispose();
  });
});
