import '@tensorflow/tfjs';
import type { Split } from '@ockham/core';
import { selectExamples } from '@ockham/core';
import { evaluate } from '@ockham/core/metrics';
import { Random } from '@ockham/core/random';
import { train } from '@ockham/core/training';
import { bagOfEmbeddings } from '@ockham/count-sketch-embed';
import {
  claim,
  differenceAtLeast,
  experiment,
  lineOverSeeds,
  meanAtLeast,
  overSeeds,
  where,
  type Finding,
  type Row,
} from '@ockham/reproduce';
import { isPossible, tableNames, tableOf, type TableName } from './tables.ts';
import { encodeWords, wordsOf } from './words.ts';

interface Config {
  readonly tables: readonly TableName[];
  readonly ratios: readonly number[];
  /** Learning rates that every table is tried with. */
  readonly rates: readonly number[];
  readonly examples: number;
  readonly heldOut: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly dimension: number;
  readonly length: number;
  readonly deviation: number;
}

interface WordRow extends Row {
  readonly table: TableName;
  readonly ratio: number;
  /** Of the whole model. */
  readonly parameters: number;
  /** The rate that was best on the held-out examples. */
  readonly rate: number;
  readonly heldOut: number;
  /** On the development set. */
  readonly accuracy: number;
  readonly majority: number;
}

const budget = {
  examples: 67_349,
  heldOut: 3_000,
  batchSize: 256,
  dimension: 64,
  length: 56,
  deviation: 0.02,
};
const tables: readonly TableName[] = [
  'median',
  'unsigned-median',
  'mean',
  'signed-mean',
  'one-hash',
  'quotient-remainder',
  'robe-d',
  'robe-8',
  'tensor-train',
];
const full = (rows: readonly WordRow[]) => where(rows, { table: 'full' });
const median = (rows: readonly WordRow[], ratio: number) => where(rows, { table: 'median', ratio });

const bar = (ratio: number, points: number) =>
  claim<WordRow>(`${ratio} times smaller, at most ${points} points below the full table`, {
    paper: 'our bar (3)',
    decidedFrom: 'paper',
    minSeeds: 5,
    measure: (rows) =>
      differenceAtLeast(median(rows, ratio), full(rows), (r) => r.accuracy, -points / 100, {
        names: ['median', 'full'],
        scale: 100,
        unit: 'points',
      }),
  });

export default experiment<Config, WordRow, 'texts'>({
  id: 'count-sketch-embed/word-level',
  paper: 'Section 4 on whole words: accuracy against size of every table, SST-2',
  datasets: ['texts'],
  scales: {
    smoke: {
      seeds: 1,
      config: {
        ...budget,
        tables: ['median', 'quotient-remainder', 'robe-8', 'tensor-train'],
        ratios: [16],
        rates: [0.01],
        examples: 1_500,
        heldOut: 300,
        epochs: 1,
      },
    },
    standard: {
      seeds: 2,
      config: {
        ...budget,
        tables: ['median', 'mean', 'one-hash', 'quotient-remainder', 'robe-d', 'robe-8', 'tensor-train'],
        ratios: [16, 64],
        rates: [0.01],
        examples: 33_000,
        epochs: 3,
      },
    },
    paper: {
      seeds: 5,
      config: { ...budget, tables, ratios: [16, 32, 64], rates: [0.003, 0.01, 0.03], epochs: 5 },
    },
  },
  why: {
    tables: 'forms at equal numbers of parameters',
    ratios: 'the bar’s',
    rates: 'every table is tried with each, and judged with the one that is best on held-out examples',
    examples: 'the whole training set at paper scale',
    heldOut: 'training examples that choose the rate, drawn by the seed, and are never trained on',
    epochs: 'the same for all tables',
    batchSize: 'some 250 steps in an epoch',
    dimension: 'the bar’s',
    length: 'more than the longest text',
    deviation: 'BERT’s',
  },
  differences: [
    'Words between spaces instead of WordPieces, and a mean of vectors instead of an encoder: what is left of the model is the table.',
    'Held-out examples are phrases, as the training set’s are, and share words with it: they choose rates alone.',
    'A quotient and a remainder for each token take at least 2√|V| rows: at 64 times there is no such table.',
    'The classifier is linear in the vectors, so that with the mean of rows, or one row, a word’s score is a sum of d, or one, of d·R hashed scores, however wide the vectors are; the median chooses anew for each coordinate.',
    'All tables have the same budget: examples, epochs, order, rates tried.',
  ],
  async run({ config, data, seed, progress, signal, once }) {
    const { length, dimension, ratios, rates } = config;
    const { train: texts, test: developed } = data.texts.tasks['SST-2'];
    const words = wordsOf(texts.first);
    const vocabulary = words.vocabulary.length;
    const all = encodeWords(words, texts, { length, marks: false });
    const order = new Random(seed).stream('held-out').permutation(texts.size).subarray(0, config.examples);
    const heldOut = selectExamples(all, order.subarray(0, config.heldOut));
    const examples = selectExamples(all, order.subarray(config.heldOut));
    const test = encodeWords(words, developed, { length, marks: false });
    const loss = 'crossEntropyFromLogits' as const;
    const rows: WordRow[] = [];
    const arms = [
      ['full', 1] as const,
      ...ratios.flatMap((ratio) => config.tables.map((table) => [table, ratio] as const)),
    ].filter(([table, ratio]) => isPossible(table, { vocabulary, ratio }));
    for (const [table, ratio] of arms) {
      let best: WordRow | undefined;
      for (const rate of rates) {
        const row = await once(`${table}-${ratio}-${rate}`, async () => {
          const { deviation } = config;
          const model = bagOfEmbeddings(tableOf(table, { vocabulary, dimension, ratio, deviation, seed }), {
            seed,
          });
          await train(model, examples, {
            epochs: config.epochs,
            batchSize: config.batchSize,
            optimizer: 'adam',
            learningRate: (step, total) => rate * (1 - step / total),
            loss,
            seed,
            signal,
            progress: (event) => progress({ ...event, stage: `${table} ${ratio}×` }),
          });
          const chosen = await evaluate(model, heldOut, { loss, signal });
          const { accuracy } = await evaluate(model, test, { loss, signal });
          const parameters = model.countParams();
          model.dispose();
          const measured = { heldOut: chosen.accuracy, accuracy, majority: majorityOf(test) };
          return { seed, table, ratio, parameters, rate, ...measured };
        });
        if (!best || row.heldOut > best.heldOut) best = row;
      }
      rows.push(best!);
    }
    return rows;
  },
  claims: [
    bar(16, 0.5),
    bar(32, 1),
    bar(64, 3),
    claim('a whole model of at most 65,000 parameters has 81 %', {
      paper: 'our bar (3); published: a hashed BERT of 969k 81.3 %, BERT-tiny of 4.4M 82.2 %',
      decidedFrom: 'paper',
      minSeeds: 5,
      measure: (rows) => {
        const small = median(rows, 16).filter(({ parameters }) => parameters <= 65_000);
        return meanAtLeast(small, (r) => r.accuracy, 0.81, { scale: 100, unit: '%' });
      },
    }),
    claim('at equal size no table is above the signed median', {
      paper: 'our bar (3)',
      decidedFrom: 'paper',
      minSeeds: 5,
      measure: bestAtEachSize,
    }),
  ],
  plot: (rows) =>
    lineOverSeeds(
      rows.filter(({ table }) => table !== 'full'),
      {
        title: 'SST-2: mean of word vectors, with smaller tables',
        series: 'table',
        names: tableNames,
        x: { field: 'ratio', title: 'times smaller than the full table', scale: 'log' },
        y: { field: 'accuracy', title: 'accuracy on the development set', format: '.1%' },
        rule: { value: overSeeds(full(rows), (r) => r.accuracy).mean, label: tableNames.full },
      },
    ),
});

function bestAtEachSize(rows: readonly WordRow[]): Finding {
  const ratios = [...new Set(rows.map(({ ratio }) => ratio))].filter((ratio) => ratio > 1);
  const values: Record<string, number> = {};
  const winners = ratios.map((ratio) => {
    const there = [...new Set(where(rows, { ratio }).map(({ table }) => table))];
    const means = there.map((table) => overSeeds(where(rows, { ratio, table }), (r) => r.accuracy).mean);
    there.forEach((table, i) => (values[`${table} at ${ratio}`] = means[i]!));
    return there[means.indexOf(Math.max(...means))]!;
  });
  const ours = ratios.map(
    (ratio, i) =>
      `${ratio}×: ${tableNames[winners[i]!]} ${(100 * values[`${winners[i]!} at ${ratio}`]!).toFixed(2)} %`,
  );
  return { holds: winners.every((name) => name === 'median'), ours: ours.join('; '), values };
}

function majorityOf({ y, size }: Split): number {
  const ones = (y.values as Int32Array).reduce((sum, label) => sum + label, 0);
  return Math.max(ones, size - ones) / size;
}
