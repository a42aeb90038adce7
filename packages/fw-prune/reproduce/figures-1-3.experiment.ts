import '@tensorflow/tfjs';
import { takeExamples, type Dataset } from '@ockham/core';
import { compareLatency, countParameters, evaluate } from '@ockham/core/metrics';
import { cloneModel, tableOneCnn } from '@ockham/core/models';
import { restoreWeights, saveWeights, train, type Snapshot } from '@ockham/core/training';
import { prune, type PruneOptions } from '@ockham/fw-prune';
import {
  claim,
  compareOverSeeds,
  experiment,
  lineOverSeeds,
  where,
  type Finding,
  type Row,
  trainOnce,
  type TrainingRun,
} from '@ockham/reproduce';
import type { LayersModel } from '@tensorflow/tfjs-layers';

interface Config {
  readonly examples: number;
  readonly testExamples: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly pretrain: readonly number[];
  readonly iterations: number;
  readonly epochs: number;
  readonly sparsity: number;
  readonly momentum: number;
  readonly subsample: number;
  readonly latencyRepeats: number;
}

type Method =
  | 'base'
  | 'base-longer'
  | 'simple'
  | 'simple-longer'
  | 'fw'
  | 'fw-momentum'
  | 'simple-printed'
  | 'fw-printed'
  | 'fw-momentum-printed';

interface FigureRow extends Row {
  readonly method: Method;
  readonly pretrain: number;
  /** Passes over the data, pre-training included. */
  readonly passes: number;
  readonly accuracy: number;
  readonly loss: number;
  /** Kernel weights that are not zero, as a fraction of all. */
  readonly nonZero: number;
  /** Median time of one batch of 128, divided by that of `base` in the same interleaved measurement. */
  readonly time: number;
}

const NAMES: Record<Method, string> = {
  base: 'base',
  'base-longer': 'base, same passes',
  simple: 'simple',
  'simple-longer': 'simple, same passes',
  fw: 'FW',
  'fw-momentum': 'FW + momentum',
  'simple-printed': 'simple, as printed',
  'fw-printed': 'FW, as printed',
  'fw-momentum-printed': 'FW + momentum, as printed',
};

const percent = { scale: 100, unit: '%' } as const;

export default experiment<Config, FigureRow, 'mnist'>({
  id: 'fw-prune/figures-1-3',
  paper: 'Figures 1–3: accuracy, loss, inference time and non-zero parameters against pre-training epochs',
  datasets: ['mnist'],
  alone: true,
  scales: {
    smoke: {
      seeds: 1,
      config: {
        examples: 256,
        testExamples: 500,
        batchSize: 32,
        learningRate: 0.1,
        pretrain: [1],
        iterations: 2,
        epochs: 0.5,
        sparsity: 0.8,
        momentum: 0.9,
        subsample: 64,
        latencyRepeats: 3,
      },
    },
    standard: {
      seeds: 2,
      config: {
        examples: 2_000,
        testExamples: 10_000,
        batchSize: 32,
        learningRate: 0.1,
        pretrain: [1, 3],
        iterations: 4,
        epochs: 0.25,
        sparsity: 0.9,
        momentum: 0.9,
        subsample: 512,
        latencyRepeats: 7,
      },
    },
    extended: {
      seeds: 3,
      config: {
        examples: 3_000,
        testExamples: 10_000,
        batchSize: 32,
        learningRate: 0.1,
        pretrain: [1, 3],
        iterations: 4,
        epochs: 0.25,
        sparsity: 0.9,
        momentum: 0.9,
        subsample: 512,
        latencyRepeats: 7,
      },
    },
    paper: {
      seeds: 3,
      config: {
        examples: 60_000,
        testExamples: 10_000,
        batchSize: 128,
        learningRate: 0.1,
        pretrain: [1, 2, 5],
        iterations: 4,
        epochs: 1,
        sparsity: 0.9,
        momentum: 0.9,
        subsample: 1_024,
        latencyRepeats: 15,
      },
    },
  },
  why: {
    examples: 'the whole training set at paper scale',
    testExamples: 'the whole test set, but for the smoke run',
    batchSize: 'the usual 128; 32 where there are few examples, for enough steps',
    learningRate: 'plain SGD as in Algorithm 3; 0.1 learns within an epoch at this batch size',
    pretrain: 'the paper’s point is limited pre-training; its axis starts at one epoch',
    iterations: 'N; the paper gives no figure. The smallest even N with a gradual schedule',
    epochs: 'E; the paper gives no figure',
    sparsity: 'the paper gives no figure',
    momentum: 'm; the usual 0.9, the paper gives no figure',
    subsample: 'S; the paper gives no figure',
    latencyRepeats: 'interleaved measurements of each network',
  },
  differences: [
    'Beside the paper’s comparisons, base and simple pruning also get the N·E further passes of the Frank-Wolfe methods; a claim holds only against those.',
    'Sparsity, N, E, S, m and the learning rate are not in the paper and are chosen here.',
    'The printed forms release the mask in retraining, so that pruned weights grow back; the intended forms hold it.',
    'G is the mean over the subsample in one batch, not a sum of single passes: the same ranking, many times faster.',
  ],
  async run({ config, seed, data, signal, progress, checkpoint, once }) {
    const run = { seed, signal, progress, checkpoint };
    const split = takeExamples(data.mnist.train, config.examples);
    const starts = await pretrain(run, config, split);
    const rows: FigureRow[] = [];
    for (const epochs of config.pretrain) {
      rows.push(
        ...(await once(`pretrain-${epochs}`, () =>
          runMethods(run, config, data.mnist, epochs, starts.get(epochs)!),
        )),
      );
    }
    return rows;
  },
  figures: [
    {
      id: 'figure-1-accuracy',
      title: 'Figure 1: accuracy against pre-training epochs',
      paperClaim:
        'Accuracy improves with pre-training for every method; Frank-Wolfe with momentum consistently outperforms the other methods, also the base model; simple pruning is comparable or inferior to the base model.',
      claims: [
        claim('accuracy improves with pre-training for every method', {
          paper: 'improves across all methods',
          measure: improves,
        }),
        claim('FW + momentum is above the base network with the same passes', {
          paper: 'above the base network, which got fewer passes',
          measure: (rows) => compare(rows, 'fw-momentum', 'base-longer'),
        }),
        claim('FW + momentum is above simple pruning with the same passes', {
          paper: 'above simple pruning, which got fewer passes',
          measure: (rows) => compare(rows, 'fw-momentum', 'simple-longer'),
        }),
        claim('FW + momentum is above FW', {
          paper: 'above',
          measure: (rows) => compare(rows, 'fw-momentum', 'fw'),
        }),
        claim('as printed, FW + momentum is above the base network with the same passes', {
          paper: 'above the base network, which got fewer passes',
          measure: (rows) => compare(rows, 'fw-momentum-printed', 'base-longer'),
        }),
        claim(
          'simple pruning with the same passes is at most half a point above the base network with the same passes',
          {
            paper: 'comparable or inferior',
            measure: (rows) => compare(rows, 'base-longer', 'simple-longer', 'accuracy', -0.005),
          },
        ),
      ],
      plot: (rows) => plotOf(rows, 'accuracy', 'Figure 1: test accuracy', 'test accuracy', '.1%'),
    },
    {
      id: 'figure-1-loss',
      title: 'Figure 1: loss against pre-training epochs',
      paperClaim: 'Frank-Wolfe with momentum has the lowest loss.',
      claims: [
        claim('FW + momentum has a lower loss than the base network with the same passes', {
          paper: 'lower than the base network, which got fewer passes',
          measure: (rows) => compare(rows, 'fw-momentum', 'base-longer', 'loss'),
        }),
        claim('FW + momentum has a lower loss than simple pruning with the same passes', {
          paper: 'lower than simple pruning, which got fewer passes',
          measure: (rows) => compare(rows, 'fw-momentum', 'simple-longer', 'loss'),
        }),
      ],
      plot: (rows) => plotOf(rows, 'loss', 'Figure 1: test loss', 'cross-entropy on the test set, nats'),
    },
    {
      id: 'figure-2',
      title: 'Figure 2: normalised inference time',
      paperClaim: 'The Frank-Wolfe methods achieve lower inference times than simple pruning.',
      claims: [
        claim('FW takes less time than simple pruning', {
          paper: 'lower inference times',
          measure: (rows) => faster(rows, 'fw'),
        }),
        claim('FW + momentum takes less time than simple pruning', {
          paper: 'lower inference times',
          measure: (rows) => faster(rows, 'fw-momentum'),
        }),
      ],
      plot: (rows) =>
        plotOf(rows, 'time', 'Figure 2: inference time ÷ base', 'time of a batch of 128 ÷ that of base'),
    },
    {
      id: 'figure-3',
      title: 'Figure 3: non-zero parameters',
      paperClaim:
        'FW methods leave fewer non-zero parameters, above all with little pre-training; FW + momentum fewer than FW.',
      claims: [
        claim('FW + momentum leaves fewer non-zero weights than FW', {
          paper: 'consistently lower',
          measure: (rows) => compare(rows, 'fw-momentum', 'fw', 'nonZero'),
        }),
        claim('as printed, FW + momentum leaves fewer non-zero weights than FW', {
          paper: 'consistently lower',
          measure: (rows) => compare(rows, 'fw-momentum-printed', 'fw-printed', 'nonZero'),
        }),
        claim('as printed, FW + momentum leaves fewer non-zero weights than simple pruning', {
          paper: 'superior ability to reduce complexity',
          measure: (rows) => compare(rows, 'fw-momentum-printed', 'simple-printed', 'nonZero'),
        }),
      ],
      plot: (rows) =>
        plotOf(rows, 'nonZero', 'Figure 3: non-zero kernel weights', 'kernel weights that are not 0', '.0%'),
    },
  ],
});

/** Less inference time than simple pruning, by more than the 2 % that interleaved measurements differ by. */
function faster(rows: readonly FigureRow[], method: Method): Finding {
  const finding = compare(rows, method, 'simple', 'time', 0.02);
  if (finding.holds === true) return finding;
  return {
    ...finding,
    why: 'a masked weight is multiplied like any other by a dense kernel: the networks do the same work, whatever the pruning; structured pruning is what makes a network faster here',
  };
}

/** One training run, its weights kept at each length of pre-training. */
async function pretrain(
  run: TrainingRun,
  config: Config,
  split: Dataset['train'],
): Promise<Map<number, Snapshot>> {
  const model = tableOneCnn({ seed: run.seed });
  const starts = new Map<number, Snapshot>();
  for (const epochs of config.pretrain) {
    const kept = await run.checkpoint(`base-${epochs}`).read();
    if (kept) starts.set(epochs, kept);
  }
  if (starts.size < config.pretrain.length) {
    await train(model, split, {
      ...sgd(config),
      epochs: Math.max(...config.pretrain),
      seed: run.seed,
      signal: run.signal,
      progress: (event) => run.progress({ ...event, stage: 'pre-training' }),
      checkpoint: run.checkpoint('base'),
      onEpoch: async ({ epoch }) => {
        if (!config.pretrain.includes(epoch)) return;
        const snapshot = await saveWeights(model);
        starts.set(epoch, snapshot);
        await run.checkpoint(`base-${epoch}`).write(snapshot);
      },
    });
  }
  model.dispose();
  return starts;
}

/** Every method from one pre-trained network. */
async function runMethods(
  run: TrainingRun,
  config: Config,
  data: Dataset,
  epochs: number,
  start: Snapshot,
): Promise<FigureRow[]> {
  const { iterations, sparsity, momentum, subsample } = config;
  const split = takeExamples(data.train, config.examples);
  const more = iterations * config.epochs;
  const base = tableOneCnn({ seed: run.seed });
  restoreWeights(base, start);

  const longer = await cloneModel(base);
  await trainOnce(run, `base-longer-${epochs}`, longer, split, {
    ...sgd(config),
    epochs: more,
    seed: run.seed + 1_000,
  });

  const models = new Map<Method, { model: LayersModel; passes: number }>([
    ['base', { model: base, passes: epochs }],
    ['base-longer', { model: longer, passes: epochs + more }],
  ]);
  const gradual = { iterations, momentum, subsample, retrain: { ...sgd(config), epochs: config.epochs } };
  const once = { retrain: { ...sgd(config), epochs: config.epochs } };
  const methods: [Method, Omit<PruneOptions, 'sparsity'>, number][] = [
    ['simple', { method: 'simple', ...once }, config.epochs],
    ['simple-longer', { method: 'simple', retrain: { ...sgd(config), epochs: more } }, more],
    ['fw', { method: 'frank-wolfe', ...gradual, momentum: 0 }, more],
    ['fw-momentum', { method: 'frank-wolfe-momentum', ...gradual }, more],
    ['simple-printed', { method: 'simple', form: 'printed', ...once }, config.epochs],
    [
      'fw-printed',
      { method: 'frank-wolfe', form: 'printed', gradientPasses: 'mean', ...gradual, momentum: 0 },
      more,
    ],
    [
      'fw-momentum-printed',
      { method: 'frank-wolfe-momentum', form: 'printed', gradientPasses: 'mean', ...gradual },
      more,
    ],
  ];
  for (const [method, options, passes] of methods) {
    const { model, masks } = await prune(
      base,
      { train: split },
      {
        ...options,
        sparsity,
        seed: run.seed,
        signal: run.signal,
        progress: (event) =>
          run.progress({ ...event, stage: `${NAMES[method]} after ${epochs}: ${event.stage}` }),
        checkpoint: run.checkpoint(`${method}-${epochs}`),
        report: false,
      },
    );
    masks.dispose();
    models.set(method, { model, passes: epochs + passes });
  }
  const [times] = await compareLatency(
    Object.fromEntries([...models].map(([method, { model }]) => [method, model])),
    {
      batch: [128],
      repeats: config.latencyRepeats,
      signal: run.signal,
    },
  );
  const rows: FigureRow[] = [];
  for (const [method, { model, passes }] of models) {
    const { accuracy, loss } = await evaluate(model, takeExamples(data.test, config.testExamples), {
      signal: run.signal,
    });
    const { kernels, nonZeroKernels } = await countParameters(model);
    const nonZero = nonZeroKernels / kernels;
    rows.push({
      seed: run.seed,
      method,
      pretrain: epochs,
      passes,
      accuracy,
      loss,
      nonZero,
      time: 1 / times!.speedup[method]!,
    });
    model.dispose();
  }
  return rows;
}

function sgd({ learningRate, batchSize }: Config) {
  return { optimizer: { name: 'sgd', learningRate }, batchSize } as const;
}

function compare(
  rows: readonly FigureRow[],
  first: Method,
  second: Method,
  column: 'accuracy' | 'loss' | 'time' | 'nonZero' = 'accuracy',
  margin = 0,
): Finding {
  const format = column === 'accuracy' || column === 'nonZero' ? percent : { digits: 3 };
  return compareOverSeeds(where(rows, { method: first }), where(rows, { method: second }), (r) => r[column], {
    ...format,
    names: [NAMES[first], NAMES[second]],
    at: (r) => `${r.pretrain} epochs`,
    better: column === 'accuracy' ? 'higher' : 'lower',
    margin,
  });
}

/** Longest pre-training against shortest, for every method. */
function improves(rows: readonly FigureRow[]): Finding {
  const lengths = rows.map((r) => r.pretrain);
  const [shortest, longest] = [Math.min(...lengths), Math.max(...lengths)];
  if (shortest === longest) {
    return {
      holds: null,
      ours: `only ${shortest} epochs were run`,
      values: {},
      why: 'needs two lengths of pre-training',
    };
  }
  return compareOverSeeds(
    where(rows, { pretrain: longest }),
    where(rows, { pretrain: shortest }),
    (r) => r.accuracy,
    {
      ...percent,
      names: [`${longest} epochs`, `${shortest} epochs`],
      at: (r) => NAMES[r.method],
    },
  );
}

function plotOf(
  rows: readonly FigureRow[],
  field: 'accuracy' | 'loss' | 'time' | 'nonZero',
  title: string,
  label: string,
  format?: string,
) {
  return lineOverSeeds(rows, {
    title: `${title} against pre-training`,
    x: { field: 'pretrain', title: 'pre-training epochs' },
    y: { field, title: label, ...(format && { format }) },
    series: 'method',
    names: NAMES,
  });
}
