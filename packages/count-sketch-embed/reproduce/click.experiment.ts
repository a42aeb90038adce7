import { sub, tensor2d, tidy, unstack, type Tensor } from '@tensorflow/tfjs';
import { evaluate } from '@ockham/core/metrics';
import { train } from '@ockham/core/training';
import { clickModel } from '@ockham/count-sketch-embed';
import { claim, differenceAtLeast, experiment, lineOverSeeds, where, type Row } from '@ockham/reproduce';
import { a9a, syntheticClicks, type ClickData, type SyntheticSizes } from './click-data.ts';
import { tableNames, tableOf, type TableName } from './tables.ts';

interface Config {
  readonly synthetic: SyntheticSizes;
  /** Lines of each part of a9a, at most; 0 leaves it out. */
  readonly a9a: number;
  readonly tables: readonly TableName[];
  readonly ratios: readonly number[];
  readonly dimension: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly rate: number;
  readonly deviation: number;
}

interface ClickRow extends Row {
  readonly data: 'synthetic' | 'a9a';
  readonly table: TableName | 'truth';
  readonly ratio: number;
  /** Of the whole model. */
  readonly parameters: number | null;
  /** Area under the curve of true against false positives, on test examples. */
  readonly auc: number;
  readonly logLoss: number;
}

const model = { dimension: 16, batchSize: 256, rate: 0.003, deviation: 0.05 };
const tables: readonly TableName[] = ['median', 'mean', 'one-hash', 'robe-8'];

const bar = (data: ClickRow['data']) =>
  claim<ClickRow>(`${data}: a median 16 times smaller is at most 0.01 of AUC below the full table`, {
    paper: 'our bar; Desai et al. 2021: no loss at 1,000 times on a table of 100 GB',
    measure: (rows) =>
      differenceAtLeast(
        where(rows, { data, table: 'median', ratio: 16 }),
        where(rows, { data, table: 'full' }),
        (r) => r.auc,
        -0.01,
        { names: ['median', 'full'], digits: 4 },
      ),
  });

export default experiment<Config, ClickRow, never>({
  id: 'count-sketch-embed/click',
  paper: 'Section 3.2: tables of recommendation systems, made smaller',
  datasets: [],
  scales: {
    smoke: {
      seeds: 1,
      config: {
        ...model,
        synthetic: { fields: 4, values: 100, train: 1_000, test: 500 },
        a9a: 500,
        tables: ['median'],
        ratios: [16],
        epochs: 1,
      },
    },
    standard: {
      seeds: 2,
      config: {
        ...model,
        synthetic: { fields: 6, values: 2_000, train: 15_000, test: 5_000 },
        a9a: 7_500,
        tables,
        ratios: [16],
        epochs: 2,
      },
    },
    extended: {
      seeds: 2,
      config: {
        ...model,
        synthetic: { fields: 6, values: 2_000, train: 30_000, test: 10_000 },
        a9a: 15_000,
        tables,
        ratios: [16],
        epochs: 2,
      },
    },
    paper: {
      seeds: 5,
      config: {
        ...model,
        synthetic: { fields: 8, values: 10_000, train: 400_000, test: 50_000 },
        a9a: 40_000,
        tables,
        ratios: [4, 16, 64],
        epochs: 3,
      },
    },
  },
  why: {
    synthetic: 'fields of values by Zipf’s law, with a known chance of a click',
    a9a: 'all of both parts at paper scale',
    tables: 'forms at equal numbers of parameters',
    ratios: 'as in the word-level comparison',
    dimension: 'Naumov et al. 2019 use 16',
    epochs: 'the same for all tables',
    batchSize: 'the same for all tables',
    rate: 'of Adam, falling linearly to 0; the same for all tables and not tuned for any',
    deviation: 'that of tf.layers.embedding at the start is about as large',
  },
  differences: [
    'Not the Criteo logs: clicks drawn from a factorisation machine, and a9a, whose 123 features are crossed to 7,626.',
    'One table for all fields, and no dense features.',
    'Without the files of a9a its rows are left out, and its claim has none.',
  ],
  async run({ config, seed, progress, signal, once }) {
    const sets: [ClickRow['data'], ClickData][] = [['synthetic', syntheticClicks(config.synthetic, seed)]];
    const adult = config.a9a > 0 ? await a9a(config.a9a) : undefined;
    if (adult) sets.push(['a9a', adult]);
    const rows: ClickRow[] = [];
    for (const [name, data] of sets) {
      if (data.truth)
        rows.push({ seed, data: name, table: 'truth', ratio: 1, parameters: null, ...known(data) });
      const arms = [
        ['full', 1] as const,
        ...config.ratios.flatMap((r) => config.tables.map((t) => [t, r] as const)),
      ];
      for (const [table, ratio] of arms) {
        const measure = async (): Promise<ClickRow> => {
          const { dimension, deviation, rate, epochs, batchSize } = config;
          const { vocabulary, fields } = data;
          const network = clickModel(tableOf(table, { vocabulary, dimension, ratio, deviation, seed }), {
            fields,
            seed,
          });
          const loss = 'crossEntropyFromLogits' as const;
          await train(network, data.train, {
            epochs,
            batchSize,
            optimizer: 'adam',
            learningRate: (step, total) => rate * (1 - step / total),
            loss,
            seed,
            signal,
            progress: (event) => progress({ ...event, stage: `${name}: ${table} ${ratio}×` }),
          });
          const { loss: logLoss } = await evaluate(network, data.test, { loss, signal });
          const scores = tidy(() => {
            const ids = tensor2d(data.test.x.values, [data.test.size, fields], 'int32');
            const [none, click] = unstack(network.predict(ids, { batchSize: 1024 }) as Tensor, 1);
            return sub(click!, none!).dataSync<'float32'>();
          });
          const parameters = network.countParams();
          network.dispose();
          const auc = areaUnderCurve(scores, data.test.y.values);
          return { seed, data: name, table, ratio, parameters, auc, logLoss };
        };
        rows.push(await once(`${name}-${table}-${ratio}`, measure));
      }
    }
    return rows;
  },
  claims: [bar('synthetic'), bar('a9a')],
  plot: (rows) =>
    lineOverSeeds(
      rows.filter(({ table }) => table !== 'truth'),
      {
        title: 'Clicks: area under the curve, with smaller tables',
        series: 'table',
        names: tableNames,
        x: { field: 'ratio', title: 'times smaller than the full table', scale: 'log' },
        y: { field: 'auc', title: 'area under the curve', format: '.3f' },
        facet: 'data',
      },
    ),
});

/** What the true chances reach: no model is better but by luck. */
function known({ truth, test }: ClickData): Pick<ClickRow, 'auc' | 'logLoss'> {
  const labels = test.y.values;
  const losses = truth!.reduce((total, p, i) => total - Math.log(labels[i] ? p : 1 - p), 0);
  return { auc: areaUnderCurve(truth!, labels), logLoss: losses / test.size };
}

/** Chance that an example of class 1 has a higher score than one of class 0; equal scores count half. */
function areaUnderCurve(scores: Float32Array, labels: ArrayLike<number>): number {
  const order = Array.from(scores.keys()).sort((a, b) => scores[a]! - scores[b]!);
  let [below, wins, positives] = [0, 0, 0];
  for (let from = 0; from < order.length;) {
    let [ones, to] = [0, from];
    while (to < order.length && scores[order[to]!] === scores[order[from]!]) ones += labels[order[to++]!]!;
    const zeros = to - from - ones;
    wins += ones * (below + zeros / 2);
    below += zeros;
    positives += ones;
    from = to;
  }
  return wins / (positives * below);
}
