import { tensor, tidy, type Tensor } from '@tensorflow/tfjs';
import { takeExamples, type Split } from '@ockham/core';
import { encodeDataset, type GlueTask, type TextExamples } from '@ockham/core/datasets';
import { evaluate } from '@ockham/core/metrics';
import { bert } from '@ockham/core/models';
import { saveWeights, train } from '@ockham/core/training';
import { applyLora, loraReport, mergeLora, unmergeLora } from '@ockham/lowrank';
import {
  barsOverSeeds,
  claim,
  differenceAtLeast,
  experiment,
  inEveryRow,
  overSeeds,
  where,
  type Row,
  type RunContext,
} from '@ockham/reproduce';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { copyEncoder, pretrained, warmThenLinear, type Recipe } from './pretrained-bert.ts';

interface Config {
  readonly base: Recipe;
  readonly tasks: readonly ('SST-2' | 'RTE' | 'MRPC')[];
  readonly length: Readonly<Record<'SST-2' | 'RTE' | 'MRPC', number>>;
  /** Training examples of a task, at most. */
  readonly examples: number;
  readonly testExamples: number;
  readonly epochs: Readonly<Record<'SST-2' | 'RTE' | 'MRPC', number>>;
  readonly batchSize: number;
  readonly fullRate: number;
  readonly loraRate: number;
  readonly rank: number;
  readonly alpha: number;
  readonly rounds: number;
}

interface GlueRow extends Row {
  readonly task: string;
  readonly method: 'full' | 'lora';
  readonly accuracy: number;
  /** Accuracy of the test split's most frequent class. */
  readonly majority: number;
  readonly trainable: number;
  /** trainable / all parameters. */
  readonly share: number;
  /** Largest distance of merged from unmerged logits, over the largest logit where that is above 1; null for full. */
  readonly mergedDistance: number | null;
  /** Whether the base has the same bits after training, merging and unmerging; null for full. */
  readonly restored: boolean | null;
}

const LORA_TARGETS = /(query|key|value|dense)$/;
const WHOLE = ['pooler/dense', 'classifier'];

const sst2 = (rows: readonly GlueRow[], method: GlueRow['method']) => where(rows, { task: 'SST-2', method });

export default experiment<Config, GlueRow, 'texts'>({
  id: 'lowrank/lora-glue',
  paper: 'Sections 1.1 and 2.1: LoRA against full fine-tuning of one pre-trained BERT, on GLUE',
  datasets: ['texts'],
  scales: {
    smoke: {
      seeds: 1,
      config: {
        base: { preset: 'tiny', length: 32, examples: 64, passes: 1, batchSize: 16, learningRate: 1e-3 },
        tasks: ['SST-2'],
        length: { 'SST-2': 32, RTE: 32, MRPC: 32 },
        examples: 64,
        testExamples: 64,
        epochs: { 'SST-2': 1, RTE: 1, MRPC: 1 },
        batchSize: 16,
        fullRate: 5e-4,
        loraRate: 2e-3,
        rank: 8,
        alpha: 16,
        rounds: 64,
      },
    },
    standard: {
      seeds: 2,
      config: {
        base: { preset: 'tiny', length: 64, examples: 4_000, passes: 1, batchSize: 32, learningRate: 1e-3 },
        tasks: ['SST-2'],
        length: { 'SST-2': 48, RTE: 96, MRPC: 80 },
        examples: 1_500,
        testExamples: 400,
        epochs: { 'SST-2': 2, RTE: 3, MRPC: 3 },
        batchSize: 32,
        fullRate: 5e-4,
        loraRate: 2e-3,
        rank: 8,
        alpha: 16,
        rounds: 400,
      },
    },
    paper: {
      seeds: 3,
      config: {
        base: { preset: 'mini', length: 32, examples: 80_000, passes: 2, batchSize: 64, learningRate: 1e-3 },
        tasks: ['SST-2', 'RTE', 'MRPC'],
        length: { 'SST-2': 32, RTE: 64, MRPC: 64 },
        examples: 67_349,
        testExamples: 872,
        epochs: { 'SST-2': 1, RTE: 3, MRPC: 3 },
        batchSize: 32,
        fullRate: 2e-4,
        loraRate: 2e-3,
        rank: 8,
        alpha: 16,
        rounds: 872,
      },
    },
  },
  why: {
    base: 'the same encoder for both arms; BERT-mini, all texts, two passes with other words hidden at paper scale',
    tasks: 'the tasks of the bar',
    length: 'most texts are shorter; the others are cut off',
    examples: 'the whole training sets at paper scale',
    testExamples: 'the whole development set, but for the smoke run',
    epochs: 'one over the 67,349 phrases, more where there are few examples',
    batchSize: 'Devlin et al. 2018, appendix A.3',
    fullRate: 'Devlin et al. 2018, appendix A.3, times two to ten for a small encoder',
    loraRate: 'about ten times that of all weights, as usual for LoRA',
    rank: 'the bar’s',
    alpha: 'twice the rank',
    rounds: 'test examples whose logits are compared before and after merging',
  },
  differences: [
    'The base is a BERT-mini pre-trained here on some 11 MB of text, not a published one on 16 GB: accuracies are far below published ones.',
    'Pre-training has no transform layer before the scores and no next-sentence task; it sees training texts, and both parts of the running ones.',
    'Adapted are all dense layers of the encoder; the pooler, which pre-training leaves out, and the classifier train whole in both arms.',
    'The distance of merged from unmerged logits is relative to the largest logit where that is above 1: a float32 logit of 4 is no finer than 5e-7.',
    'A task counts only where full fine-tuning beats the most frequent class by 10 points.',
  ],
  async run({ config, data, seed, progress, signal, checkpoint, once }) {
    const { texts } = data;
    const base = await pretrained(config.base, texts, { progress, signal });
    const rows: GlueRow[] = [];
    for (const task of config.tasks) {
      const given = texts.tasks[task];
      const some = {
        ...given,
        train: firstTexts(given.train, config.examples),
        test: firstTexts(given.test, config.testExamples),
      };
      const { train: examples, test } = await encodeDataset(some, texts.tokenizer, {
        length: config.length[task],
        input: 'ids-and-types',
        signal,
      });
      for (const method of ['full', 'lora'] as const) {
        const arm = { config, base, task, method, examples, test, seed };
        rows.push(await once(`${task}-${method}`, () => fineTune(arm, { progress, signal, checkpoint })));
      }
    }
    base.dispose();
    return rows;
  },
  claims: [
    claim('r = 8 is at most 1 point below full fine-tuning on SST-2', {
      paper: 'our bar (4)',
      minSeeds: 3,
      decidedFrom: 'paper',
      measure: (rows) => {
        const full = sst2(rows, 'full');
        const finding = differenceAtLeast(sst2(rows, 'lora'), full, (r) => r.accuracy, -0.01, {
          names: ['LoRA', 'full'],
          scale: 100,
          unit: 'points',
        });
        const above = overSeeds(full, (r) => r.accuracy - r.majority).mean;
        if (above >= 0.1) return finding;
        return {
          ...finding,
          holds: null,
          why: 'full fine-tuning is not 10 points above the most frequent class',
        };
      },
    }),
    claim('at most 2 % of the parameters train', {
      paper: 'our bar (4)',
      minSeeds: 1,
      decidedFrom: 'paper',
      measure: (rows) => inEveryRow(where(rows, { method: 'lora' }), (r) => r.share <= 0.02),
    }),
    claim('merged and unmerged logits are equal to 1e-6', {
      paper: 'our bar (4)',
      minSeeds: 1,
      decidedFrom: 'smoke',
      measure: (rows) => inEveryRow(where(rows, { method: 'lora' }), (r) => r.mergedDistance! <= 1e-6),
    }),
    claim('training, merging and unmerging leave the base bit for bit', {
      paper: 'our bar (4)',
      minSeeds: 1,
      decidedFrom: 'smoke',
      measure: (rows) => inEveryRow(where(rows, { method: 'lora' }), (r) => r.restored === true),
    }),
  ],
  plot: (rows) =>
    barsOverSeeds(rows, {
      title: 'GLUE: full fine-tuning against LoRA of rank 8',
      series: 'method',
      names: { full: 'all weights', lora: 'LoRA' },
      x: { field: 'task', title: 'task' },
      y: { field: 'accuracy', title: 'accuracy on the development set', format: '.1%' },
    }),
});

interface Arm {
  readonly config: Config;
  readonly base: LayersModel;
  readonly task: GlueTask & ('SST-2' | 'RTE' | 'MRPC');
  readonly method: GlueRow['method'];
  readonly examples: Split;
  readonly test: Split;
  readonly seed: number;
}

async function fineTune(
  { config, base, task, method, examples, test, seed }: Arm,
  { progress, signal, checkpoint }: Pick<RunContext<Config>, 'progress' | 'signal' | 'checkpoint'>,
): Promise<GlueRow> {
  const { preset } = config.base;
  const head = { head: 'classifier', classes: 2, output: 'logits', input: 'ids-and-types' } as const;
  const model = bert({ preset, length: config.length[task], positions: 128, ...head, seed });
  copyEncoder(base, model);
  const isLora = method === 'lora';
  const adapted = isLora
    ? applyLora(model, {
        rank: config.rank,
        alpha: config.alpha,
        targets: (path) => LORA_TARGETS.test(path) && !WHOLE.includes(path),
        trainable: WHOLE,
        seed,
      })
    : model;
  const before = isLora ? await saveWeights(model) : undefined;
  const rate = isLora ? config.loraRate : config.fullRate;
  await train(adapted, examples, {
    epochs: config.epochs[task],
    batchSize: config.batchSize,
    loss: 'crossEntropyFromLogits',
    optimizer: 'adam',
    learningRate: (step, total) => rate * warmThenLinear(step, total),
    seed,
    signal,
    progress: (event) => progress({ ...event, stage: `${task} ${method}` }),
    checkpoint: checkpoint(`${task}-${method}`),
    snapshotEvery: 500,
  });
  const loss = 'crossEntropyFromLogits' as const;
  const { accuracy } = await evaluate(adapted, test, { loss, batchSize: 64, signal });
  const parameters = model.countParams();
  const row = { seed, task, method, accuracy, majority: majorityOf(test) };
  if (!before) {
    model.dispose();
    return { ...row, trainable: parameters, share: 1, mergedDistance: null, restored: null };
  }
  const { trainable, share } = loraReport(adapted);
  const some = takeExamples(test, config.rounds);
  const apart = logits(adapted, some);
  const merged = logits(mergeLora(adapted), some);
  const again = logits(unmergeLora(adapted), some);
  const largest = apart.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const farthest = apart.reduce((most, value, i) => Math.max(most, Math.abs(value - merged[i]!)), 0);
  const mergedDistance = farthest / largest;
  const after = await saveWeights(model);
  const same = Object.entries(before.arrays).every(([name, values]) =>
    sameBits(values as Float32Array, after.arrays[name] as Float32Array),
  );
  const restored = same && sameBits(apart, again);
  adapted.dispose();
  model.dispose();
  return { ...row, trainable, share, mergedDistance, restored };
}

function firstTexts({ size, first, second, labels }: TextExamples, most: number): TextExamples {
  const count = Math.min(size, most);
  return {
    size: count,
    first: first.slice(0, count),
    ...(second ? { second: second.slice(0, count) } : {}),
    labels: labels.subarray(0, count),
  };
}

function majorityOf({ y, size }: Split): number {
  const ones = (y.values as Int32Array).reduce((sum, label) => sum + label, 0);
  return Math.max(ones, size - ones) / size;
}

function logits(model: LayersModel, { x, size }: Split): Float32Array {
  return tidy(() => {
    const tokens = tensor(x.values, [size, ...x.shape], 'int32');
    return (model.predict(tokens, { batchSize: 64 }) as Tensor).dataSync() as Float32Array;
  });
}

function sameBits(a: Float32Array, b: Float32Array): boolean {
  const [one, other] = [a, b].map(
    (values) => new Uint32Array(values.buffer, values.byteOffset, values.length),
  );
  return one!.every((word, i) => word === other![i]);
}
