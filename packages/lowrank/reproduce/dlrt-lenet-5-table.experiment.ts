import { claim, experiment, inEveryRow, meanAtLeast, where } from '@ockham/reproduce';
import {
  denseRow,
  klsRow,
  names,
  ofTable,
  plotTable,
  printedRow,
  table,
  type RowConfig,
  type TableRow,
} from './lenet-5-table.ts';

interface Config extends RowConfig {
  readonly tolerances: readonly number[];
}

const all = Object.keys(table).map(Number);

export default experiment<Config, TableRow, 'mnist'>({
  id: 'lowrank/dlrt-lenet-5-table',
  paper: 'Talk, "Convolutional NN (LeNet5) on MNIST": accuracy, ranks and parameters for eight ϑ',
  datasets: ['mnist'],
  scales: {
    smoke: {
      seeds: 1,
      config: { tolerances: [0.2], examples: 256, epochs: 1, learningRate: 5e-3, batchSize: 64 },
    },
    standard: {
      seeds: 2,
      config: {
        tolerances: [0.09, 0.45],
        examples: 3_000,
        epochs: 4,
        learningRate: 5e-3,
        batchSize: 128,
      },
    },
    paper: {
      seeds: 3,
      config: { tolerances: all, examples: 60_000, epochs: 5, learningRate: 5e-3, batchSize: 128 },
    },
  },
  why: {
    tolerances: 'all rows of the table',
    examples: 'all digits at paper scale',
    epochs: 'five reach the table',
    learningRate: 'five times the Adam default, falling along half a cosine: the core of S is small',
    batchSize: 'the talk: 128',
  },
  differences: [
    'The column of parameters is Σ r (n_out + 1) + 5000, without the factor V; the honest count Σ r (n_in + n_out) + 5000 stands beside it. The column of training parameters does count V.',
    'ReLU after both convolutions; Adam with moments that follow the bases.',
    'Rows "talk" bound the ranks by those of the table, so that parameters can only be fewer; the row "free" has no bound but break-even, and in the row "tucker" convolutions are in Tucker’s form on their channels.',
  ],
  async run({ data, ...run }) {
    const { config, seed } = run;
    const context = { ...run, mnist: data.mnist };
    const rows: TableRow[] = all.map((tolerance) => printedRow(seed, tolerance));
    rows.push(await denseRow(context));
    for (const tolerance of config.tolerances) {
      for (const ranks of tolerance === 0.2 ? (['talk', 'free', 'tucker'] as const) : (['talk'] as const)) {
        rows.push(await klsRow(context, tolerance, ranks));
      }
    }
    return rows;
  },
  claims: [
    claim<TableRow>('ranks are those of the talk or smaller', {
      paper: '[8, 8, 15, 10] at ϑ = .2',
      minSeeds: 1,
      decidedFrom: 'smoke',
      measure: (rows) =>
        inEveryRow(where(rows, { ranks: 'talk' }), (row) =>
          names.every((name) => row[name] <= ofTable(row.tolerance)[name]),
        ),
    }),
    ...all.map((tolerance) =>
      claim<TableRow>(`ϑ = ${tolerance}: the accuracy of the table or more, with its ranks or smaller`, {
        paper: `${(100 * table[tolerance]![1]).toFixed(1)} %`,
        decidedFrom: 'paper',
        measure: (rows) =>
          meanAtLeast(
            where(rows, { ranks: 'talk', tolerance }),
            (row) => row.accuracy,
            table[tolerance]![1],
            { scale: 100, unit: '%' },
          ),
      }),
    ),
  ],
  plot: plotTable,
});
