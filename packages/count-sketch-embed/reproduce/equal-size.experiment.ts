import '@tensorflow/tfjs';
import { claim, experiment, lineOverSeeds, overSeeds, where, type Finding } from '@ockham/reproduce';
import { tableNames, type TableName } from './tables.ts';
import { whyOfWords, wordRows, type WordConfig, type WordRow } from './word-arms.ts';

const tables: readonly TableName[] = [
  'median',
  'unsigned-median',
  'mean',
  'signed-mean',
  'one-hash',
  'signed-hash',
  'quotient-remainder',
  'robe-d',
  'robe-8',
  'tensor-train',
];
const budget = {
  tables,
  ratios: [16, 64],
  rates: [0.01],
  deviations: [0.02, 0.3],
  powers: [0, 0.25],
  wordDropouts: [0],
  examples: 0,
  heldOut: 1_500,
  trialEpochs: 1,
  epochs: 2,
  batchSize: 128,
  dimension: 64,
  length: 56,
} as const satisfies WordConfig;
const full = (rows: readonly WordRow[]) => where(rows, { table: 'full' });

export default experiment<WordConfig, WordRow, 'texts'>({
  id: 'count-sketch-embed/equal-size',
  paper: 'Section 4 on whole words: every table at equal size and equally tuned, SST-2',
  datasets: ['texts'],
  scales: {
    smoke: {
      seeds: 1,
      config: {
        ...budget,
        tables: ['median', 'quotient-remainder', 'robe-8', 'tensor-train'],
        ratios: [16],
        rates: [0.01],
        deviations: [0.02],
        powers: [0],
        examples: 1_500,
        epochs: 1,
      },
    },
    standard: {
      seeds: 2,
      config: {
        ...budget,
        ratios: [16],
        rates: [0.01],
        deviations: [0.02],
        powers: [0.25],
        examples: 8_000,
      },
    },
    extended: {
      seeds: 2,
      config: {
        ...budget,
        ratios: [16],
        rates: [0.01],
        deviations: [0.02],
        powers: [0.25],
        examples: 16_000,
      },
    },
    paper: { seeds: 5, config: budget },
  },
  why: { ...whyOfWords, tables: 'forms at equal numbers of parameters' },
  differences: [
    'Words between spaces instead of WordPieces, and a mean of vectors instead of an encoder: what is left of the model is the table.',
    'Words that were not in training are left out, with every table: 6 % of the development set’s. A full table leaves their vector at its small start; in a smaller one it is made of other words’ rows, at random and the same for all.',
    'A quotient and a remainder for each token take at least 2√|V| rows: at 64 times there is no such table.',
    'The classifier is linear in the vectors, so that with the mean of rows, or one row, and no signs of coordinates a word’s score is a sum of d, or one, of d·R hashed scores, however wide the vectors are; the median chooses anew for each coordinate, and signs of coordinates make each coordinate a sketch of its own.',
    'All tables have the same budget: texts, epochs, order, rates and deviations tried.',
  ],
  run: ({ data, ...context }) => wordRows(context.config, data.texts.tasks['SST-2'], context),
  claims: [
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
        title: 'SST-2: mean of word vectors, tables of equal size',
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
