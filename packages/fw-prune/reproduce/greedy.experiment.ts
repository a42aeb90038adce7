import { layers, sequential, tensor } from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';
import { takeExamples, type Split } from '@ockham/core';
import { evaluate } from '@ockham/core/metrics';
import { tableOneCnn } from '@ockham/core/models';
import { maskChannels, traceChannels } from '@ockham/core/graph';
import { Random } from '@ockham/core/random';
import { batchRange } from '@ockham/core/training';
import { greedyForwardSelection, greedyLayerSelection } from '@ockham/fw-prune';
import {
  claim,
  compareOverSeeds,
  experiment,
  inEveryRow,
  lineOverSeeds,
  where,
  type Row,
  trainOnce,
  type TrainingRun,
} from '@ockham/reproduce';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { cosine } from './falling-rates.ts';

interface Config {
  readonly examples: number;
  readonly testExamples: number;
  readonly batchSize: number;
  readonly epochs: number;
  readonly neurons: number;
  readonly selectionExamples: number;
  readonly sizes: readonly number[];
  readonly kept: readonly number[];
}

interface GreedyRow extends Row {
  readonly network: 'two-layer' | 'table-1-cnn';
  readonly selection: string;
  /** Neurons chosen (repetitions counted), or the fraction of both convolutions' channels kept. */
  readonly size: number;
  /** ½ mean (f_S − y)² of the two-layer network on the examples that selection saw; `null` for the CNN. */
  readonly loss: number | null;
  /** Loss of the whole two-layer network, eq. 2 divided by m. */
  readonly fullLoss: number | null;
  /** 2C/(k + 2) above a lower bound of the least loss over the hull, for the line search. */
  readonly bound: number | null;
  /** Test accuracy of the CNN without retraining; `null` for the two-layer network. */
  readonly accuracy: number | null;
}

export default experiment<Config, GreedyRow, 'mnist'>({
  id: 'fw-prune/greedy',
  paper:
    'Section 7 and eq. 1: greedy forward selection of neurons, then of channels, instead of backward elimination',
  datasets: ['mnist'],
  scales: {
    smoke: {
      seeds: 1,
      config: {
        examples: 256,
        testExamples: 500,
        batchSize: 64,
        epochs: 1,
        neurons: 16,
        selectionExamples: 100,
        sizes: [1, 4, 16],
        kept: [0.5],
      },
    },
    standard: {
      seeds: 3,
      config: {
        examples: 3_000,
        testExamples: 2_000,
        batchSize: 64,
        epochs: 3,
        neurons: 128,
        selectionExamples: 500,
        sizes: [1, 2, 4, 8, 16, 32, 64, 128],
        kept: [0.25, 0.5],
      },
    },
    paper: {
      seeds: 5,
      config: {
        examples: 60_000,
        testExamples: 10_000,
        batchSize: 128,
        epochs: 5,
        neurons: 256,
        selectionExamples: 2_000,
        sizes: [1, 2, 4, 8, 16, 32, 64, 128, 256],
        kept: [0.125, 0.25, 0.5, 0.75],
      },
    },
  },
  why: {
    examples: 'the whole training set at paper scale',
    testExamples: 'the whole test set at paper scale',
    batchSize: 'the usual 128; 64 where there are few examples',
    epochs: 'past the steep part of learning',
    neurons: 'N of eq. 1; the paper gives no figure',
    selectionExamples: 'D of eq. 2 for the selection; training examples',
    sizes: 'powers of two up to N, for a rate',
    kept: 'fractions of the channels of both convolutions',
  },
  differences: [
    'The two-layer network tells even from odd digits, a scalar target as in eq. 1 and 2, by least squares.',
    'The paper names greedy forward selection as further research and prints no figure; the method is that of Ye et al. 2020.',
  ],
  async run({ config, seed, data, signal, progress, checkpoint, once }) {
    const run = { seed, signal, progress, checkpoint };
    const train = takeExamples(data.mnist.train, config.examples);
    const test = takeExamples(data.mnist.test, config.testExamples);
    return [
      ...(await once('two-layer', () => selectNeurons(run, config, train))),
      ...(await once('channels', () => selectChannels(run, config, train, test))),
    ];
  },
  figures: [
    {
      id: 'greedy-neurons',
      title: 'Greedy forward selection of neurons',
      paperClaim:
        'Greedy forward selection adds the neuron with the greatest decrease of the loss; pruning gives better small networks than training them directly.',
      claims: [
        claim<GreedyRow>(
          'a quarter of the neurons, chosen greedily, has a lower loss than the whole network',
          {
            paper: 'sub-networks perform comparatively well, if not better',
            measure: (rows) => {
              const quarter = (rs: readonly GreedyRow[]) => {
                const greedy = where(rs, { network: 'two-layer', selection: 'greedy, line search' });
                return greedy.filter((r) => r.size === Math.max(...greedy.map((g) => g.size)) / 4);
              };
              const chosen = quarter(rows);
              const whole = chosen.map((r) => ({ ...r, loss: r.fullLoss }));
              return compareOverSeeds(chosen, whole, (r) => r.loss!, {
                better: 'lower',
                digits: 4,
                names: ['a quarter, greedily', 'whole network'],
              });
            },
          },
        ),
        claim<GreedyRow>('the line-searched loss is within 2C/(k + 2) of the hull’s least, for every k', {
          paper: 'the rate of Frank-Wolfe',
          minSeeds: 1,
          decidedFrom: 'smoke',
          measure: (rows) =>
            inEveryRow(where(rows, { selection: 'greedy, line search' }), (r) => r.loss! <= r.bound! + 1e-9),
        }),
      ],
      plot: (rows) =>
        lineOverSeeds(where(rows, { network: 'two-layer' }), {
          title: 'Two-layer network: loss against neurons chosen',
          x: { field: 'size', title: 'neurons chosen', scale: 'log' },
          y: { field: 'loss', title: '½ mean squared error', scale: 'log' },
          series: 'selection',
        }),
    },
    {
      id: 'greedy-channels',
      title: 'Greedy selection of channels, layer by layer',
      paperClaim: 'There is no need to prune after pre-training.',
      claims: [
        claim<GreedyRow>('without retraining, greedy selection is above magnitude at every fraction kept', {
          paper: 'greedy selection instead of backward elimination',
          measure: (rows) => {
            const cnn = where(rows, { network: 'table-1-cnn' });
            return compareOverSeeds(
              where(cnn, { selection: 'greedy' }),
              where(cnn, { selection: 'magnitude' }),
              (r) => r.accuracy!,
              { scale: 100, unit: '%', names: ['greedy', 'magnitude'], at: (r) => `${r.size * 100} % kept` },
            );
          },
        }),
      ],
      plot: (rows) =>
        lineOverSeeds(where(rows, { network: 'table-1-cnn' }), {
          title: 'Table-1 network, MNIST, no retraining: test accuracy against channels kept',
          x: { field: 'size', title: 'channels kept in both convolutions', format: '.0%' },
          y: { field: 'accuracy', title: 'test accuracy', format: '.0%' },
          series: 'selection',
        }),
    },
  ],
});

/** Trains eq. 1's network on even against odd and selects from its neurons. */
async function selectNeurons(run: TrainingRun, config: Config, digits: Split): Promise<GreedyRow[]> {
  const { seed } = run;
  const { neurons: N, selectionExamples: m, sizes } = config;
  const split: Split = {
    ...digits,
    y: { values: Float32Array.from(digits.y.values, (digit) => (digit % 2 === 0 ? 1 : -1)), shape: [1] },
  };
  const random = new Random(seed).stream('two-layer');
  const initial = { kernelInitializer: 'glorotUniform' } as const;
  const model = sequential({
    layers: [
      layers.flatten({ inputShape: [28, 28, 1] }),
      layers.dense({ units: N, activation: 'relu', name: 'neurons', ...initial }),
      layers.dense({ units: 1, name: 'sum', ...initial }),
    ],
  });
  seedWeights(model, random);
  const adam = { optimizer: 'adam', learningRate: cosine(1e-3), loss: 'meanSquaredError' } as const;
  await trainOnce(run, 'two-layer', model, split, {
    ...adam,
    epochs: config.epochs,
    batchSize: config.batchSize,
  });
  const { phi, y } = await neuronOutputs(model, takeExamples(split, m), N);
  model.dispose();

  const rowOf = (selection: string, size: number, loss: number, bound: number | null): GreedyRow => ({
    seed,
    network: 'two-layer',
    selection,
    size,
    loss,
    fullLoss,
    bound,
    accuracy: null,
  });
  const lossOf = (chosen: ArrayLike<number>) => {
    let sum = 0;
    for (let j = 0; j < m; j++) {
      let f = 0;
      for (let i = 0; i < chosen.length; i++) f += phi[chosen[i]! * m + j]! / chosen.length;
      sum += (f - y[j]!) ** 2 / (2 * m);
    }
    return sum;
  };
  const fullLoss = lossOf(Int32Array.from({ length: N }, (_, i) => i));
  const largest = Math.max(...sizes);
  const result = greedyForwardSelection(phi, y, { size: largest * 8, step: 'line-search' });
  const line = result.history;
  const uniform = greedyForwardSelection(phi, y, { size: largest, step: 'uniform' }).history;
  const least = line.at(-1)!.loss / m - hullGap(phi, y, result.weights, N, m);
  const C = squaredDiameter(phi, N, m) / m; // f(u) = ½‖u − y‖²/m is 1/m-smooth
  const order = random.permutation(N);
  return sizes.flatMap((k) => [
    rowOf('greedy, line search', k, line[Math.min(k, line.length) - 1]!.loss / m, least + (2 * C) / (k + 2)),
    rowOf('greedy, uniform', k, uniform[Math.min(k, uniform.length) - 1]!.loss / m, null),
    rowOf('random', k, lossOf(order.subarray(0, Math.min(k, N))), null),
  ]);
}

/** Glorot values from our own generator, so that the run depends on the seed alone. */
function seedWeights(model: LayersModel, random: Random): void {
  for (const layer of model.layers) {
    const weights = layer.getWeights();
    if (weights.length === 0) continue;
    const drawn = weights.map(({ shape, size }, i) => {
      const limit = shape.length < 2 ? 0 : Math.sqrt(6 / (shape[0] + shape[1]!));
      const stream = random.stream(layer.name).stream(i);
      return tensor(
        Float32Array.from({ length: size }, () => stream.uniform(-limit, limit)),
        shape,
      );
    });
    layer.setWeights(drawn);
    for (const each of drawn) each.dispose();
  }
}

/** φ_i = N·b_i·σ(a_i·x) `[N, m]` and the target less the output's bias `[m]`, so that eq. 1 is their mean. */
async function neuronOutputs(model: LayersModel, split: Split, N: number) {
  const m = split.size;
  const hidden = model.getLayer('neurons');
  const [b, bias] = model.getLayer('sum').getWeights();
  const weights = await b!.data();
  const offset = (await bias!.data())[0]!;
  const { x, y: target } = batchRange(split, 0, m);
  const flat = x.reshape([m, 784]);
  const outputs = hidden.apply(flat) as Tensor;
  const sigma = await outputs.data();
  const values = await target.data();
  for (const each of [x, target, flat, outputs]) each.dispose();
  const phi = new Float64Array(N * m);
  for (let i = 0; i < N; i++)
    for (let j = 0; j < m; j++) phi[i * m + j] = N * weights[i]! * sigma[j * N + i]!;
  return { phi, y: Float64Array.from(values, (v) => v - offset) };
}

/** The Frank-Wolfe gap max_i ⟨u − y, u − φ_i⟩/m: the loss at u is at most this far above the hull's least. */
function hullGap(phi: Float64Array, y: Float64Array, weights: Float64Array, N: number, m: number): number {
  const u = new Float64Array(m);
  for (let i = 0; i < N; i++) for (let j = 0; j < m; j++) u[j]! += weights[i]! * phi[i * m + j]!;
  let gap = 0;
  for (let i = 0; i < N; i++) {
    let product = 0;
    for (let j = 0; j < m; j++) product += (u[j]! - y[j]!) * (u[j]! - phi[i * m + j]!);
    gap = Math.max(gap, product / m);
  }
  return gap;
}

function squaredDiameter(phi: Float64Array, N: number, m: number): number {
  let largest = 0;
  for (let i = 0; i < N; i++) {
    for (let k = 0; k < i; k++) {
      let sum = 0;
      for (let j = 0; j < m; j++) sum += (phi[i * m + j]! - phi[k * m + j]!) ** 2;
      largest = Math.max(largest, sum);
    }
  }
  return largest;
}

/** Keeps a fraction of the channels of both convolutions, greedily, by magnitude and at random. */
async function selectChannels(
  run: TrainingRun,
  config: Config,
  train: Split,
  test: Split,
): Promise<GreedyRow[]> {
  const { seed, signal } = run;
  const model = await trainOnce(run, 'cnn', tableOneCnn({ seed }), train, {
    epochs: config.epochs,
    batchSize: config.batchSize,
    optimizer: 'adam',
    learningRate: cosine(2e-3),
  });
  const convolutions = model.layers.filter((layer) => layer.getClassName() === 'Conv2D');
  const groups = traceChannels(model).groups.filter((group) =>
    group.producers.some((name) => convolutions.some((layer) => layer.name === name)),
  );
  const row = async (selection: string, size: number, pruned: LayersModel): Promise<GreedyRow> => {
    const { accuracy } = await evaluate(pruned, test, { signal });
    pruned.dispose();
    return {
      seed,
      network: 'table-1-cnn',
      selection,
      size,
      loss: null,
      fullLoss: null,
      bound: null,
      accuracy,
    };
  };
  const rows: GreedyRow[] = [];
  for (const kept of config.kept) {
    const layersKept = Object.fromEntries(convolutions.map(({ name }) => [name, kept]));
    const greedy = await greedyLayerSelection(model, takeExamples(train, Math.min(500, train.size)), {
      layers: layersKept,
      signal,
    });
    rows.push(await row('greedy', kept, greedy.model));
    for (const selection of ['magnitude', 'random']) {
      const removals = new Map<string, number[]>();
      for (const group of groups) {
        const layer = convolutions.find(({ name }) => group.producers.includes(name))!;
        const order =
          selection === 'magnitude'
            ? await byNorm(layer)
            : [...new Random(seed).stream(group.id).permutation(group.size)];
        removals.set(group.id, order.slice(Math.round(kept * group.size)));
      }
      rows.push(await row(selection, kept, await maskChannels(model, removals)));
    }
  }
  model.dispose();
  return rows;
}

/** Filters of a convolution, those of largest norm first. */
async function byNorm(layer: LayersModel['layers'][number]): Promise<number[]> {
  const kernel = layer.getWeights()[0]!;
  const filters = kernel.shape.at(-1)!;
  const norms = new Float64Array(filters);
  for (const [i, value] of (await kernel.data()).entries()) norms[i % filters]! += value * value;
  return [...norms.keys()].sort((a, b) => norms[b]! - norms[a]!);
}
