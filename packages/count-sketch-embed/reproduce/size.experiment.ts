import '@tensorflow/tfjs';
import { bert } from '@ockham/core/models';
import { CountSketchEmbedding } from '@ockham/count-sketch-embed';
import { claim, experiment, inEveryRow, where, type Finding, type Row } from '@ockham/reproduce';
import type { TextExamples } from '@ockham/core/datasets';

interface Config {
  readonly hashes: readonly number[];
  /** d · R. */
  readonly rows: number;
}

/** A model's size, or a task's accuracy of Table 1 beside the rate of its most frequent class. */
interface SizeRow extends Row {
  readonly kind: 'model' | 'task';
  readonly name: string;
  readonly parameters: number | null;
  readonly megabytes: number | null;
  /** Of the word table alone. */
  readonly tableParameters: number | null;
  /** Examples of the most frequent class, and of all. */
  readonly most: number | null;
  readonly examples: number | null;
  /** What Table 1 prints: megabytes of a model, accuracy of a task. */
  readonly printed: number;
}

/** Table 1's accuracies of Count-BERT for the tasks whose whole development sets are here. */
const PRINTED = { 'SST-2': 0.5092, QNLI: 0.5054, RTE: 0.5271, MRPC: 0.6838 } as const;

const models = (rows: readonly SizeRow[]) => where(rows, { kind: 'model' });
const within = (row: SizeRow) => Math.abs(row.megabytes! / row.printed - 1) <= 0.01;

export default experiment<Config, SizeRow, 'texts'>({
  id: 'count-sketch-embed/size',
  paper: 'Table 1: model sizes, and what its accuracies are',
  datasets: ['texts'],
  scales: {
    smoke: { seeds: 1, config: { hashes: [4], rows: 3280 } },
    standard: { seeds: 1, config: { hashes: [1, 2, 4, 5, 8], rows: 3280 } },
    paper: { seeds: 1, config: { hashes: [1, 2, 4, 5, 8], rows: 3280 } },
  },
  why: {
    hashes: 'the paper gives neither d nor R; the size depends on their product alone',
    rows: 'the product d·R that comes to the printed 16.79 MB',
  },
  differences: [
    'A megabyte is 10⁶ bytes and a parameter 4; every weight of the classifier of two classes is counted, pooler included.',
    'The paper prints neither d nor R. With d·R = 3,280 rows of 256 the model has its printed size.',
    'QNLI’s development set is taken together from its two parts. Of MNLI and QQP no whole development set is here.',
  ],
  run({ config, data, seed }) {
    const blank = { parameters: null, megabytes: null, tableParameters: null, most: null, examples: null };
    const sizeOf = (name: string, hashes: number | undefined, printed: number): SizeRow => {
      const model = bert({
        preset: 'mini',
        ...(hashes && {
          wordEmbeddings: ({ vocabulary, hidden, name: layer }) =>
            new CountSketchEmbedding({
              vocabulary,
              dimension: hidden,
              hashes,
              rows: config.rows / hashes,
              name: layer,
            }),
        }),
      });
      const parameters = model.countParams();
      const tableParameters = model.getLayer('embeddings/word_embeddings').countParams();
      model.dispose();
      const megabytes = (4 * parameters) / 1e6;
      return { ...blank, seed, kind: 'model', name, parameters, megabytes, tableParameters, printed };
    };
    const { tasks } = data.texts;
    return [
      sizeOf('BERT-mini', undefined, 44.8),
      ...config.hashes.map((d) => sizeOf(`d = ${d}, R = ${config.rows / d}`, d, 16.79)),
      ...Object.entries(PRINTED).map(([name, printed]): SizeRow => {
        const { train, test, provenance } = tasks[name as keyof typeof PRINTED];
        // where only the development set is there, it comes in two parts
        const parts = name === 'QNLI' && provenance.note ? [train, test] : [test];
        return { ...blank, seed, kind: 'task', name, printed, ...majority(parts) };
      }),
    ];
  },
  claims: [
    claim('BERT-mini has 44.8 MB', {
      paper: 'Table 1: 44.8 MB; our bar (1): to 1 %',
      minSeeds: 1,
      decidedFrom: 'smoke',
      measure: (rows) => sizes(models(rows).filter(({ printed }) => printed === 44.8)),
    }),
    claim('d·R = 3,280 rows of 256 make it 16.79 MB', {
      paper: 'Table 1: 16.79 MB; our bar (1): to 1 %',
      minSeeds: 1,
      decidedFrom: 'smoke',
      measure: (rows) => sizes(models(rows).filter(({ printed }) => printed === 16.79)),
    }),
    claim('Count-BERT’s accuracies are the rates of the most frequent class', {
      paper: 'Table 1: SST-2 .5092, QNLI .5054, RTE .5271, MRPC .6838; our bar (1)',
      minSeeds: 1,
      decidedFrom: 'smoke',
      measure: (rows) => {
        const tasks = where(rows, { kind: 'task' });
        const finding = inEveryRow(
          tasks,
          ({ most, examples, printed }) => Math.abs(most! / examples! - printed) < 0.00006,
        );
        const ours = tasks.map(
          ({ name, most, examples }) => `${name} ${most}/${examples} = ${(most! / examples!).toFixed(4)}`,
        );
        return { ...finding, ours: ours.join(', ') };
      },
    }),
  ],
  plot: (rows) => ({
    title: 'Size of BERT-mini with a full table and with count-sketches',
    data: { values: models(rows) },
    mark: 'bar',
    encoding: {
      x: { field: 'name', type: 'nominal', title: null, sort: null },
      y: { field: 'megabytes', type: 'quantitative', title: 'size, MB' },
    },
  }),
});

function sizes(rows: readonly SizeRow[]): Finding {
  const values = rows.map(({ megabytes }) => megabytes!);
  return {
    holds: rows.length > 0 && rows.every(within),
    ours: [...new Set(values.map((value) => `${value.toFixed(2)} MB`))].join(', '),
    values: Object.fromEntries(rows.map(({ name }, i) => [name, values[i]!])),
  };
}

function majority(parts: readonly TextExamples[]): { most: number; examples: number } {
  const counts = new Map<number, number>();
  for (const { labels } of parts) for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return {
    most: Math.max(...counts.values()),
    examples: parts.reduce((total, { size }) => total + size, 0),
  };
}
