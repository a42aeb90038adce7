import '@tensorflow/tfjs';
import { throwIfAborted } from '@ockham/core';
import { cloneModel } from '@ockham/core/models';
import {
  compress,
  compressExtremely,
  trainQuantized,
  type GridRule,
  type QuantizeOptions,
} from '@ockham/deepspeed-lite/compress';
import {
  barsOverSeeds,
  claim,
  experiment,
  groupBy,
  inEveryRow,
  meanAtMost,
  where,
  type Row,
} from '@ockham/reproduce';
import { accuracyOf, LOSS, pretrained, schedule, taught, TASKS, type Taught, type TeacherConfig } from './glue-teacher.ts'; // prettier-ignore
import type { LayersModel } from '@tensorflow/tfjs-layers';

interface Config extends TeacherConfig {
  readonly methods: readonly Method[];
  /** Of the compressed models' training. */
  readonly rates: Readonly<Record<Method, number>>;
  readonly hidden: number;
  readonly attention: number;
  /** Layers of the teacher that the smallest model keeps. */
  readonly keep: readonly number[];
}

const METHODS = ['int8', 'int4', 'ternary', 'binary', 'half-ternary'] as const;
type Method = (typeof METHODS)[number];

/** The bars of the issue. */
const SMALLER = { int8: 3.9, int4: 7.4, ternary: 15, binary: 28 } as const;

interface ExtremeRow extends Row {
  readonly task: string;
  readonly method: 'float' | Method;
  /** On the development set. */
  readonly accuracy: number;
  /** Points below the float model of the same seed and task; below 0 where it is better. */
  readonly lost: number;
  /** Points of the float model above the most frequent class. */
  readonly learned: number;
  /** How many times as small as the float32 weights the file is, header included; null for those. */
  readonly smaller: number | null;
}

const scale = (config: Partial<Config> & Pick<Config, 'base' | 'tasks' | 'keep'>): Config => ({
  methods: METHODS,
  testExamples: 872,
  batchSize: 32,
  learningRate: 5e-4,
  rates: { int8: 1e-4, int4: 1e-4, ternary: 5e-4, binary: 5e-4, 'half-ternary': 5e-4 },
  hidden: 1,
  attention: 1,
  ...config,
});

export default experiment<Config, ExtremeRow, 'texts'>({
  id: 'deepspeed-lite/extreme',
  paper: 'Sections 3.2.1, 3.2.2 and 3.2.6: weights of 8 bits to one, trained with a teacher',
  datasets: ['texts'],
  scales: {
    smoke: {
      seeds: 1,
      config: scale({
        base: { preset: 'tiny', length: 32, examples: 64, passes: 1, batchSize: 16, learningRate: 1e-3 },
        tasks: { 'SST-2': { length: 16, examples: 16, epochs: 1 } },
        methods: ['int4', 'binary'],
        testExamples: 16,
        batchSize: 16,
        keep: [1],
      }),
    },
    standard: {
      seeds: 2,
      config: scale({
        base: { preset: 'tiny', length: 64, examples: 4_000, passes: 1, batchSize: 32, learningRate: 1e-3 },
        tasks: { 'SST-2': { length: 32, examples: 600, epochs: 1 } },
        testExamples: 400,
        keep: [1],
      }),
    },
    paper: {
      seeds: 5,
      config: scale({
        base: { preset: 'mini', length: 32, examples: 80_000, passes: 2, batchSize: 64, learningRate: 1e-3 },
        tasks: {
          'SST-2': { length: 32, examples: 67_349, epochs: 1 },
          RTE: { length: 64, examples: 2_490, epochs: 3 },
          MRPC: { length: 64, examples: 4_076, epochs: 3 },
        },
        learningRate: 2e-4,
        rates: { int8: 5e-5, int4: 5e-5, ternary: 2e-4, binary: 2e-4, 'half-ternary': 2e-4 },
        keep: [1, 3],
      }),
    },
  },
  why: {
    base: 'BERT-mini pre-trained here at paper scale, the same as LoRA’s; BERT-tiny else',
    tasks: 'those of the issue; the whole training sets, one pass where there are 67,349 examples',
    methods: 'all, but for the smoke run',
    testExamples: 'the whole development set, but for the smoke run',
    batchSize: 'Devlin et al. 2018, appendix A.3',
    learningRate: 'Devlin et al. 2018, appendix A.3, times two to ten for a small encoder',
    rates:
      'where few bits move weights far, that of fine-tuning; else less, since the weights are good already',
    hidden: 'equal parts of outputs, hidden states and attention, as XTC',
    attention: 'as above',
    keep: 'half of the layers',
  },
  differences: [
    'XTC fine-tunes BERT-base with augmented data for up to 18 epochs; here a BERT-mini has as many epochs as its float model had.',
    'Tables of words and positions are quantised as every other matrix; the classifier, of 512 weights, is not. A scale is shared by an output or a row of a table, for 4 bits by 64 inputs. Inputs of dense layers have 8 bits, token by token, in all arms.',
    'Accuracies are those of the packed model, as `compress` makes it of the trained one and as its file is opened again.',
    'Points lost are of the same seed’s float model, averaged over the tasks of a seed. Biases and normalisation stay float32.',
  ],
  async run(context) {
    const { config, data, seed, progress, signal, once } = context;
    const base = await pretrained(config.base, data.texts, { progress, signal });
    const rows: ExtremeRow[] = [];
    for (const task of TASKS.filter((one) => config.tasks[one])) {
      const lesson = await taught(context, base, data.texts, task);
      const { accuracy: float, majority } = lesson;
      const learned = 100 * (float - majority);
      rows.push({ seed, task, method: 'float', accuracy: float, lost: 0, learned, smaller: null });
      for (const method of config.methods) {
        throwIfAborted(signal, 'extreme');
        const found = await once(`${task}-${method}`, () => compressed(context, lesson, method));
        rows.push({ seed, task, method, ...found, lost: 100 * (float - found.accuracy), learned });
      }
      lesson.teacher.dispose();
    }
    base.dispose();
    return rows;
  },
  claims: [
    loses('int8 weights', 'int8', 0.2),
    loses('4-bit weights in groups of 64, with distillation,', 'int4', 1),
    loses('ternary weights', 'ternary', 2),
    loses('binary weights', 'binary', 3),
    claim('files are 3.9, 7.4, 15 and 28 times as small as the float32 weights', {
      paper: 'our bar (1)',
      minSeeds: 1,
      decidedFrom: 'paper',
      measure: (rows) => inEveryRow(rows.filter(({ method }) => method in SMALLER), ({ method, smaller }) => smaller! >= SMALLER[method as keyof typeof SMALLER]), // prettier-ignore
    }),
  ],
  plot: (rows) =>
    barsOverSeeds(rows, {
      title: 'Accuracy of BERT with weights of few bits',
      series: 'method',
      names: {
        float: 'float32',
        int8: '8 bits',
        int4: '4 bits, groups of 64',
        ternary: 'ternary',
        binary: 'binary',
        'half-ternary': 'ternary, half the layers',
      },
      x: { field: 'task', title: 'task' },
      y: { field: 'accuracy', title: 'accuracy on the development set', format: '.1%' },
    }),
});

function loses(what: string, method: Method, points: number) {
  return claim<ExtremeRow>(`${what} lose at most ${points} ${points === 1 ? 'point' : 'points'}`, {
    paper: 'our bar (1)',
    minSeeds: 5,
    decidedFrom: 'paper',
    measure: (rows) => meanAtMost(bySeed(where(rows, { method })), ({ lost }) => lost, points, { digits: 2, unit: 'points' }), // prettier-ignore
  });
}

/** The mean over the tasks of each seed. */
function bySeed(rows: readonly ExtremeRow[]): { seed: number; lost: number }[] {
  return [...groupBy(rows, ({ seed }) => seed)].map(([seed, all]) => ({
    seed,
    lost: all.reduce((sum, { lost }) => sum + lost, 0) / all.length,
  }));
}

async function compressed(
  { config, seed, progress, signal, checkpoint }: Parameters<typeof taught>[0] & { readonly config: Config },
  { task, plan, train, test, teacher }: Taught,
  method: Method,
): Promise<Pick<ExtremeRow, 'accuracy' | 'smaller'>> {
  const name = `${task}-${method}`;
  const { hidden, attention, keep } = config;
  const { bits, group } = GRIDS[method];
  const grid = { bits, ...(group && { granularity: { group } }) };
  const training = {
    ...schedule(config, plan, config.rates[method]),
    seed,
    signal,
    progress: (event: Parameters<typeof progress>[0]) => progress({ ...event, stage: name }),
    checkpoint: checkpoint(name),
    snapshotEvery: 500,
    weights: ((path) => (path === 'classifier' ? undefined : grid)) as GridRule,
    activations: { kind: 'dynamic', bits: 8 },
  } as const;
  let model: LayersModel;
  if (typeof bits === 'number') {
    model = await cloneModel(teacher);
    await trainQuantized(model, train, { ...training, distill: { teacher, hidden, attention } });
  } else {
    const kept = method === 'half-ternary' ? { keep } : {};
    ({ model } = await compressExtremely(teacher, train, { ...training, ...kept, distill: { hidden, attention } })); // prettier-ignore
  }
  const { model: packed, report } = await compress(
    model,
    { train },
    {
      quantize: { weights: bits, ...(group && { group }), activations: 8, range: 'minmax' },
      loss: LOSS,
      report: { latency: false, sensitivity: 0 },
      signal,
    },
  );
  const accuracy = await accuracyOf(packed, test, signal);
  for (const one of [model, packed]) one.dispose();
  return { accuracy, smaller: report.file.ratio };
}

const GRIDS: Readonly<
  Record<Method, { readonly bits: QuantizeOptions['weights']; readonly group?: number }>
> = {
  int8: { bits: 8 },
  int4: { bits: 4, group: 64 },
  ternary: { bits: 'ternary' },
  binary: { bits: 'binary' },
  'half-ternary': { bits: 'ternary' },
};
