import '@tensorflow/tfjs';
import { takeExamples, throwIfAborted } from '@ockham/core';
import { corpusDataset } from '@ockham/core/datasets';
import { gpt } from '@ockham/core/models';
import { verify, type EngineConfig } from '@ockham/deepspeed-lite';
import { claim, experiment, inEveryRow, lineOverSeeds, where, type Row } from '@ockham/reproduce';

interface Config {
  readonly length: number;
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly examples: number;
  readonly globalBatch: number;
  readonly steps: number;
  readonly optimizers: readonly ('sgd' | 'adam' | 'lamb')[];
  readonly meshes: readonly MeshName[];
}

const MESHES = {
  'data 2': { mesh: { data: 2 }, accumulation: 2 },
  'tensor 2': { mesh: { tensor: 2 }, accumulation: 4 },
  'pipeline 2, GPipe': { mesh: { pipeline: 2 }, accumulation: 4, schedule: 'gpipe' },
  'pipeline 2, 1F1B': { mesh: { pipeline: 2 }, accumulation: 4, schedule: '1f1b' },
  '2 × 2 × 2': { mesh: { data: 2, tensor: 2, pipeline: 2 }, accumulation: 2, schedule: '1f1b' },
  '2 × 2 × 2, ZeRO-1': { mesh: { data: 2, tensor: 2, pipeline: 2 }, accumulation: 2, zero: 1 },
} as const satisfies Record<string, EngineConfig>;
type MeshName = keyof typeof MESHES;
const ALL = Object.keys(MESHES) as MeshName[];

/** Of each optimizer: large enough to learn in some hundred steps, small enough not to diverge. */
const RATES = { sgd: 0.1, adam: 0.002, lamb: 0.01 } as const;

interface MeshParityRow extends Row {
  readonly mesh: MeshName;
  readonly optimizer: string;
  readonly steps: number;
  /** max |Δθ| and max |Δloss| from one rank that does the same sharded arithmetic. */
  readonly fromSequence: number;
  readonly lossFromSequence: number;
  /** |Δloss| relative to the loss, at most, over the first 5 updates, from one rank that takes each batch at once. */
  readonly relativeLoss: number;
  /** max |Δθ| in the end from that rank, and of a rank whose sums are reordered. */
  readonly apart: number;
  readonly drift: number;
  readonly lossBefore: number;
  readonly lossAfter: number;
}

const scale = (config: Partial<Config>): Config => ({
  length: 8,
  layers: 1,
  hidden: 8,
  heads: 2,
  examples: 64,
  globalBatch: 8,
  steps: 2,
  optimizers: ['adam'],
  meshes: ['2 × 2 × 2'],
  ...config,
});

export default experiment<Config, MeshParityRow, 'texts'>({
  id: 'deepspeed-lite/mesh-parity',
  paper: 'Sections on tensor, pipeline and 3D parallelism: the same training, cut in three directions',
  datasets: ['texts'],
  scales: {
    smoke: { seeds: 1, config: scale({}) },
    standard: {
      seeds: 1,
      config: scale({ steps: 5, optimizers: ['sgd', 'adam', 'lamb'], meshes: ALL }),
    },
    paper: {
      seeds: 5,
      config: scale({
        length: 32,
        layers: 2,
        hidden: 32,
        heads: 4,
        examples: 4_000,
        globalBatch: 16,
        steps: 200,
        optimizers: ['sgd', 'adam', 'lamb'],
        meshes: ALL,
      }),
    },
  },
  why: {
    length: 'characters of an example',
    layers: 'of a character model that two pipeline ranks can share',
    hidden: 'width',
    heads: 'at least as many as tensor ranks',
    examples: 'of the training text, in a seeded order',
    globalBatch: 'divides by the data ranks and the micro-batches',
    steps: '200: our bar on drift',
    optimizers: 'our bar names them',
    meshes: 'our bar names them',
  },
  differences: [
    'A GPT of characters on tinyshakespeare; the survey speaks of language models of billions of parameters on GPUs.',
    'No dropout: tensor ranks draw their own units between split layers, which no ordinary rank does.',
    'Ranks run on a virtual clock in one process and carry real data.',
  ],
  async run({ config, seed, data, signal, progress }) {
    const { length, layers, hidden, heads, examples, globalBatch, steps } = config;
    const corpus = data.texts.corpora.find(({ name }) => name === 'tinyshakespeare')!;
    const { train, classes } = corpusDataset(corpus, { unit: 'character', length });
    const split = takeExamples(train, examples);
    const rows: MeshParityRow[] = [];
    const cells = config.optimizers.flatMap((optimizer) =>
      config.meshes.map((mesh) => ({ optimizer, mesh })),
    );
    for (const [done, { optimizer, mesh }] of cells.entries()) {
      throwIfAborted(signal, 'mesh-parity');
      progress({ stage: `${mesh}, ${optimizer}`, done, total: cells.length });
      const model = gpt({
        vocabulary: classes.length,
        positions: length,
        layers,
        hidden,
        heads,
        dropout: 0,
        seed,
      });
      const settings: EngineConfig = {
        ...MESHES[mesh],
        optimizer,
        learningRate: RATES[optimizer],
        loss: 'crossEntropyFromLogits',
        globalBatch,
        seed,
      };
      const {
        pipeline = 1,
        tensor = 1,
        data: ranks = 1,
      } = MESHES[mesh].mesh as NonNullable<EngineConfig['mesh']>;
      const found = await verify(model, settings, split, { steps, ranks: ranks * tensor * pipeline });
      model.dispose();
      rows.push({
        seed,
        mesh,
        optimizer,
        steps,
        fromSequence: found.fromSequence.parameters,
        lossFromSequence: found.fromSequence.loss,
        relativeLoss: found.fromOrdinary.relativeLossAtFirst,
        apart: found.fromOrdinary.parameters,
        drift: found.drift.parameters,
        lossBefore: found.losses[0]!,
        lossAfter: found.losses.at(-1)!,
      });
    }
    return rows;
  },
  claims: [
    claim(
      'data, tensor, pipeline (GPipe, 1F1B) and 2 × 2 × 2 ranks with SGD, Adam and LAMB have the bits of one rank that does the same sharded arithmetic',
      {
        paper: 'our bar: 0',
        measure: (rows) => inEveryRow(rows, (row) => row.fromSequence === 0 && row.lossFromSequence === 0),
      },
    ),
    claim('the losses of the first 5 updates differ by at most 1e-6 from those of ordinary training', {
      paper: 'our bar: 1e-6',
      measure: (rows) => inEveryRow(rows, ({ relativeLoss }) => relativeLoss <= 1e-6),
    }),
    claim('after the last update parameters differ by no more than 3 × what reordered sums make', {
      paper: 'our bar: 3 × at update 200',
      measure: (rows) => inEveryRow(rows, ({ apart, drift }) => apart <= 3 * drift),
    }),
  ],
  plot: (rows) =>
    lineOverSeeds(where(rows, { optimizer: 'adam' }), {
      title: 'Distance from ordinary training with Adam',
      x: { field: 'mesh', title: 'mesh' },
      y: { field: 'apart', title: 'max |Δθ|' },
      series: 'optimizer',
    }),
});
