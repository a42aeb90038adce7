import { Random } from '@ockham/core/random';
import { linearSystem, logistic, readLibsvm, spectrum } from '@ockham/feature-subsample';
import {
  barsOverSeeds,
  claim,
  compareOverSeeds,
  experiment,
  inEveryRow,
  where,
  type Row,
} from '@ockham/reproduce';
import { fedAvgLogistic, logisticAccuracy, logisticLoss, newton, withPairs } from './logistic-references.ts';
import { someRows } from './some-rows.ts';

interface Config {
  /** Samples of the tall problem and of the wide one. */
  readonly samples: readonly [number, number];
  readonly testSamples: number;
  readonly megabytes: number;
}

interface LogisticRow extends Row {
  readonly problem: 'tall' | 'wide';
  readonly features: number;
  readonly method: string;
  readonly rounds: number;
  /** Regularised loss above the optimum's. */
  readonly gap: number;
  readonly digits: number;
  /** On test samples; null for the wide problem, whose features they do not share. */
  readonly accuracy: number | null;
  /** Of the optimum. */
  readonly bestAccuracy: number | null;
}

const [workers, alpha, ridge] = [10, 0.5, 1e-3];
const names = { masked: 'masked features', fedavg: 'FedAvg', gradient: 'full gradient' } as const;

export default experiment<Config, LogisticRow, 'tabular'>({
  id: 'feature-subsample/logistic',
  paper: 'Beyond the paper: logistic regression by masked features on a9a, same bytes',
  datasets: ['tabular'],
  scales: {
    smoke: { seeds: 1, config: { samples: [100, 40], testSamples: 300, megabytes: 0.3 } },
    standard: { seeds: 2, config: { samples: [500, 100], testSamples: 16_281, megabytes: 1.5 } },
    extended: { seeds: 3, config: { samples: [500, 100], testSamples: 16_281, megabytes: 3 } },
    paper: { seeds: 10, config: { samples: [4000, 200], testSamples: 16_281, megabytes: 30 } },
  },
  why: {
    samples: 'many more than 123 features, and many fewer than the features and their products',
    testSamples: 'all of them, but for the smoke run',
    megabytes: 'of all workers: some 70 rounds of masked features on the tall problem',
  },
  differences: [
    'The paper has least squares alone. a9a: 123 binary features; wide: with the products of two features that occur together. λ = 1e-3, L = 10, α = 0.5, T = 5 for masked features and FedAvg, no momentum anywhere; steps of 1/(‖A‖²/(4n) + λ).',
    'A worker of masked features is sent the margins Ax, n numbers, and answers with αd; one of FedAvg gets and sends d. So masks pay where n is smaller than d, and not on a9a itself.',
  ],
  async run({ config, data, seed, once, progress, signal }) {
    const table = readLibsvm(data.tabular.files.get('a9a')!, { features: 123 });
    const test = readLibsvm(data.tabular.files.get('a9a.t')!, { features: 123 });
    const rows: LogisticRow[] = [];
    for (const [at, problem] of (['tall', 'wide'] as const).entries()) {
      const some = someRows(table, config.samples[at]!, new Random(seed).stream(problem));
      const train = problem === 'wide' ? withPairs(some, 4) : some;
      const { rows: n, columns: d } = train.A;
      const best = newton(train, ridge);
      const least = logisticLoss(train, best, ridge);
      const held = problem === 'wide' ? null : testOf(test, train.columns, config.testSamples);
      const learningRate = 1 / (spectrum(linearSystem(train.A, train.b)).largest / (4 * n) + ridge);
      const roundsOf = (down: number, up: number): number =>
        Math.floor((config.megabytes * 1e6) / (workers * (4 + 8 * down + 8 * up)));
      const byRows = roundsOf(d, d);
      const methods = {
        masked: [
          roundsOf(n, Math.round(alpha * d)),
          (rounds: number) =>
            logistic(train.A, train.b, {
              workers,
              alpha,
              localSteps: 5,
              rounds,
              ridge,
              learningRate,
              seed,
              signal,
            }).x,
        ],
        fedavg: [
          byRows,
          (rounds: number) => fedAvgLogistic(train, { workers, localSteps: 5, rounds, ridge, learningRate }),
        ],
        gradient: [
          byRows,
          (rounds: number) => fedAvgLogistic(train, { workers, localSteps: 1, rounds, ridge, learningRate }),
        ],
      } as const;
      for (const method of ['masked', 'fedavg', 'gradient'] as const) {
        progress({ stage: `${problem}, ${names[method]}`, done: rows.length, total: 6 });
        const [rounds, solve] = methods[method];
        rows.push(
          await once(`${problem}-${method}`, () => {
            const x = solve(rounds);
            const gap = logisticLoss(train, x, ridge) - least;
            return {
              seed,
              problem,
              features: d,
              method: names[method],
              rounds,
              gap,
              digits: Math.log10(Math.max(1e-12, gap)),
              accuracy: held && logisticAccuracy(held, x),
              bestAccuracy: held && logisticAccuracy(held, best),
            };
          }),
        );
      }
    }
    return rows;
  },
  claims: [
    ...(['fedavg', 'gradient'] as const).map((method) =>
      claim<LogisticRow>(
        `fewer samples than features: masked features end below ${names[method]} with the same bytes`,
        {
          paper: 'our bar',
          measure: (rows) => closer(rows, 'wide', names.masked, names[method]),
        },
      ),
    ),
    claim<LogisticRow>('many samples: FedAvg ends below masked features with the same bytes', {
      paper: 'the price of sending margins',
      measure: (rows) => closer(rows, 'tall', names.fedavg, names.masked),
    }),
    claim<LogisticRow>('masked features are within 2 points of the accuracy of the optimum on test samples', {
      paper: 'our bar',
      measure: (rows) =>
        inEveryRow(
          where(rows, { problem: 'tall', method: names.masked }),
          ({ accuracy, bestAccuracy }) => accuracy! > bestAccuracy! - 0.02,
        ),
    }),
  ],
  plot: (rows) =>
    barsOverSeeds(rows, {
      title: 'Loss above the optimum with the same bytes',
      x: { field: 'problem' },
      y: { field: 'digits', title: 'log10 of the loss above the optimum' },
      series: 'method',
    }),
});

function closer(rows: readonly LogisticRow[], problem: 'tall' | 'wide', one: string, other: string) {
  return compareOverSeeds(
    where(rows, { problem, method: one }),
    where(rows, { problem, method: other }),
    (row) => -row.digits,
    { names: [one, other], unit: 'digits' },
  );
}

/** The first samples, with the features that the training samples have. */
function testOf(
  table: ReturnType<typeof readLibsvm>,
  columns: readonly string[],
  count: number,
): typeof table {
  const kept = columns.map((name) => table.columns.indexOf(name));
  const rows = Math.min(count, table.A.rows);
  const values = new Float64Array(rows * kept.length);
  for (let i = 0, p = 0; i < rows; i++)
    for (const j of kept) values[p++] = table.A.values[i * table.A.columns + j]!;
  return { A: { rows, columns: kept.length, values }, b: table.b.slice(0, rows), columns };
}
