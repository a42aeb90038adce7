import '@tensorflow/tfjs';
import { throwIfAborted } from '@ockham/core';
import { cloneModel } from '@ockham/core/models';
import { trainMoq, trainQuantized } from '@ockham/deepspeed-lite/compress';
import { barsOverSeeds, claim, differenceAtLeast, experiment, groupBy, inEveryRow, where, type Finding, type Row } from '@ockham/reproduce'; // prettier-ignore
import { accuracyOf, pretrained, schedule, taught, TASKS, type Taught, type TeacherConfig } from './glue-teacher.ts'; // prettier-ignore

interface Config extends TeacherConfig {
  /** Bits of plain training and of MoQ in the end. */
  readonly bits: 4 | 3 | 2;
  /** Mean of the bits that the integer programme gives to layers, at most. */
  readonly meanBits: number;
  /** Of the quantised models' training. */
  readonly rate: number;
  /** What the curvature is measured on. */
  readonly examples: number;
  readonly iterations: number;
}

const METHODS = ['qat', 'moq', 'flat', 'mixed'] as const;
type Method = (typeof METHODS)[number];

interface MoqRow extends Row {
  readonly task: string;
  readonly method: 'float' | Method;
  /** On the development set. */
  readonly accuracy: number;
  /** Over the quantised weights; null for float32. */
  readonly meanBits: number | null;
  /** Points of the float model above the most frequent class. */
  readonly learned: number;
}

const scale = (config: Partial<Config> & Pick<Config, 'base' | 'tasks'>): Config => ({
  testExamples: 872,
  batchSize: 32,
  learningRate: 5e-4,
  bits: 3,
  meanBits: 5,
  rate: 2e-4,
  examples: 64,
  iterations: 6,
  ...config,
});

export default experiment<Config, MoqRow, 'texts'>({
  id: 'deepspeed-lite/moq',
  paper:
    'Section 3.6.3: MoQ, bits that fall while training goes on and curvature that decides where first, against one width',
  datasets: ['texts'],
  scales: {
    smoke: {
      seeds: 1,
      config: scale({
        base: { preset: 'tiny', length: 32, examples: 64, passes: 1, batchSize: 16, learningRate: 1e-3 },
        tasks: { 'SST-2': { length: 8, examples: 24, epochs: 1 } },
        testExamples: 8,
        batchSize: 8,
        examples: 2,
        iterations: 1,
      }),
    },
    standard: {
      seeds: 2,
      config: scale({
        base: { preset: 'tiny', length: 64, examples: 4_000, passes: 1, batchSize: 32, learningRate: 1e-3 },
        tasks: {
          'SST-2': { length: 32, examples: 500, epochs: 1 },
          RTE: { length: 48, examples: 250, epochs: 1 },
          MRPC: { length: 48, examples: 250, epochs: 1 },
        },
        testExamples: 200,
        examples: 16,
        iterations: 3,
      }),
    },
    paper: {
      seeds: 5,
      config: scale({
        base: { preset: 'tiny', length: 32, examples: 80_000, passes: 2, batchSize: 64, learningRate: 1e-3 },
        tasks: {
          'SST-2': { length: 32, examples: 67_349, epochs: 1 },
          RTE: { length: 64, examples: 2_490, epochs: 3 },
          MRPC: { length: 64, examples: 4_076, epochs: 3 },
        },
      }),
    },
  },
  why: {
    base: 'a small BERT, pre-trained here on all texts at paper scale',
    tasks: 'those of the issue; the whole training sets at paper scale',
    testExamples: 'the whole development set at paper scale',
    batchSize: 'Devlin et al. 2018, appendix A.3',
    learningRate: 'Devlin et al. 2018, appendix A.3, times ten for a small encoder',
    bits: 'where plain training begins to lose',
    meanBits: 'below the 6 of the bar',
    rate: 'of all quantised arms: less than that of fine-tuning, since the weights are good already',
    examples: 'a batch or two: eigenvalues change little from there on',
    iterations: 'of the power iteration for each matrix',
  },
  differences: [
    'DeepSpeed reports BERT-base and BERT-large from 16 bits to 8; here BERT-tiny goes from 8 bits to 3, since 8 bits lose nothing.',
    'All arms start from the same fine-tuned model of their seed and train as long: `qat` at 3 bits from the first step, `moq` from 8 bits down, `flat` the same without curvature, `mixed` towards bits that the integer programme chose at a mean of 5.',
    'The weights of all matrices are quantised, tables of words and positions among them, but for the classifier; a scale for each output or row. Activations stay float32.',
  ],
  async run(context) {
    const { config, data, seed, progress, signal, once } = context;
    const base = await pretrained(config.base, data.texts, { progress, signal });
    const rows: MoqRow[] = [];
    for (const task of TASKS.filter((one) => config.tasks[one])) {
      const lesson = await taught(context, base, data.texts, task);
      const learned = 100 * (lesson.accuracy - lesson.majority);
      rows.push({ seed, task, method: 'float', accuracy: lesson.accuracy, meanBits: null, learned });
      for (const method of METHODS) {
        throwIfAborted(signal, 'moq');
        const found = await once(`${task}-${method}`, () => quantised(context, lesson, method));
        rows.push({ seed, task, method, ...found, learned });
      }
      lesson.teacher.dispose();
    }
    base.dispose();
    return rows;
  },
  claims: [
    claim(
      'MoQ is at least as good as plain quantisation-aware training at the same bits, on the mean of the tasks',
      {
        paper: 'our bar (5)',
        minSeeds: 5,
        decidedFrom: 'paper',
        measure: (rows) => above(rows, 'moq', 'qat', 0),
      },
    ),
    claim('layers of 6 bits on the mean at most are within 0.3 points of float32', {
      paper: 'our bar (5)',
      minSeeds: 5,
      decidedFrom: 'paper',
      measure: (rows) => above(rows, 'mixed', 'float', -0.003),
    }),
    claim('the integer programme keeps within a mean of 6 bits', {
      paper: 'our bar (5)',
      minSeeds: 1,
      decidedFrom: 'smoke',
      measure: (rows) => inEveryRow(where(rows, { method: 'mixed' }), ({ meanBits }) => meanBits! <= 6),
    }),
  ],
  plot: (rows) =>
    barsOverSeeds(rows, {
      title: 'MoQ against one width from the first step',
      series: 'method',
      names: {
        float: 'float32',
        qat: '3 bits throughout',
        moq: 'MoQ, 8 to 3 bits',
        flat: 'MoQ without curvature',
        mixed: 'MoQ, a mean of 5 bits',
      },
      x: { field: 'task', title: 'task' },
      y: { field: 'accuracy', title: 'accuracy on the development set', format: '.1%' },
    }),
});

function above(
  rows: readonly MoqRow[],
  first: MoqRow['method'],
  second: MoqRow['method'],
  bound: number,
): Finding {
  const of = (method: MoqRow['method']) =>
    [...groupBy(where(rows, { method }), ({ seed }) => seed)].map(([seed, all]) => ({
      seed,
      mean: all.reduce((sum, { accuracy }) => sum + accuracy, 0) / all.length,
    }));
  return differenceAtLeast(of(first), of(second), ({ mean }) => mean, bound, { names: [first, second], scale: 100, unit: 'points', digits: 2 }); // prettier-ignore
}

async function quantised(
  { config, seed, progress, signal, checkpoint }: Parameters<typeof taught>[0] & { readonly config: Config },
  { task, plan, train, test, teacher }: Taught,
  method: Method,
): Promise<Pick<MoqRow, 'accuracy' | 'meanBits'>> {
  const name = `${task}-${method}`;
  const { bits, meanBits, examples, iterations } = config;
  const model = await cloneModel(teacher);
  const training = {
    ...schedule(config, plan, config.rate),
    seed,
    signal,
    progress: (event: Parameters<typeof progress>[0]) => progress({ ...event, stage: name }),
    checkpoint: checkpoint(name),
    snapshotEvery: 500,
  };
  const isMatrix = (path: string): boolean => path !== 'classifier';
  let mean: number = bits;
  if (method === 'qat') {
    await trainQuantized(model, train, { ...training, weights: (path) => (isMatrix(path) ? { bits } : undefined) });
  } else {
    const found = await trainMoq(model, train, {
      ...training,
      only: isMatrix,
      target: method === 'mixed' ? { meanBits } : bits,
      curvature: method === 'flat' ? false : { examples, iterations },
    });
    mean = found.meanBits;
  }
  const accuracy = await accuracyOf(model, test, signal);
  model.dispose();
  return { accuracy, meanBits: mean };
} // prettier-ignore
