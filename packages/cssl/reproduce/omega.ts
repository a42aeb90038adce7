import { pairedTTest } from '@ockham/core/metrics';
import { classIncremental, offlineAccuracies, omegaAll, type AugmentationSpec } from '@ockham/cssl';
import {
  claim,
  experiment,
  lineOverSeeds,
  meanAtLeast,
  overSeeds,
  where,
  type Experiment,
  type Finding,
  type Row,
  type Scales,
} from '@ockham/reproduce';
import { cssl } from './methods.ts';
import { networkOf, type NetworkName } from './networks.ts';
import { drawClasses, type DataConfig } from './stream-data.ts';
import { streamRows } from './stream-rows.ts';

type OmegaData = 'mnist' | 'fashion-mnist' | 'tin100-32';

/** How the learner and its twins run. */
export interface OmegaConfig extends DataConfig {
  readonly network: NetworkName;
  readonly capacity: number;
  readonly replay: number;
  readonly optimizer: 'sgd' | 'momentum';
  readonly learningRate: number;
  /** Passes of each offline twin, and examples in each of its steps. */
  readonly epochs: number;
  readonly batchSize: number;
}

/** What differs between data sets. */
export interface OmegaSubject<Name extends OmegaData> {
  readonly dataset: Name;
  readonly title: string;
  readonly bar: number;
  readonly augment: AugmentationSpec;
  readonly scales: Scales<OmegaConfig>;
}

interface OmegaRow extends Row {
  readonly classes: number;
  /** α_t and α_offline,t. */
  readonly streaming: number;
  readonly offline: number;
  /** Ω_all over the tests up to this one. */
  readonly omega: number;
  readonly last: boolean;
}

/** Ω_all on one data set. */
export function omega<const Name extends OmegaData>(
  subject: OmegaSubject<Name>,
): Experiment<OmegaConfig, OmegaRow, Name> {
  const { dataset, title, bar, augment, scales } = subject;
  return experiment<OmegaConfig, OmegaRow, Name>({
    id: `cssl/omega-${dataset}`,
    paper: `Section 2.3 on ${title}: Ω_all, streaming against offline accuracy at every test`,
    datasets: [dataset],
    scales,
    why: {
      classes: 'drawn and ordered anew for each seed',
      perClass: 'all there are at paper scale',
      testPerClass: 'all there are at paper scale',
      network: 'a residual network at paper scale where images have colours',
      capacity: 'examples in the buffer',
      replay: 'B = 31',
      optimizer: 'as in the other experiments on this data set',
      learningRate: 'as in the other experiments on this data set',
      epochs: 'twins train until they stop to gain',
      batchSize: 'of the twins',
    },
    differences: [
      'The paper defines Ω_all and prints no figure of its own for it; the data set is ours.',
      'An offline twin has the same network, trained from scratch by Adam on all examples seen by the test, without augmentation.',
    ],
    async run({ config, data, ...run }) {
      const { seed } = run;
      const { network, epochs, batchSize, optimizer, learningRate } = config;
      const { train, test } = drawClasses(data[dataset], config, seed);
      const order = Array.from({ length: config.classes }, (_, i) => i);
      const stream = classIncremental(train, { seed, order });
      const build = () => networkOf(network, { inputShape: train.x.shape, classes: config.classes, seed });
      const streaming = await streamRows(run, {
        data: dataset,
        method: 'CSSL',
        stream,
        test,
        model: build,
        learner: (model) =>
          cssl()(model, {
            seed,
            memory: { capacity: config.capacity },
            replay: config.replay,
            optimizer: { name: optimizer, learningRate },
            augment,
            epochs: 1,
          }),
      });
      const offline = await offlineAccuracies(stream, test, {
        build,
        training: { epochs, batchSize, seed },
        configuration: { network, seed },
        cache: (key) => run.checkpoint(`twin-${key.slice(0, 24)}`),
        signal: run.signal,
        progress: run.progress,
      });
      const alphas = streaming.map((row) => row.top1);
      const twins = offline.map((twin) => twin.top1);
      return streaming.map(({ classes, top1, last }, t) => ({
        seed,
        classes,
        streaming: top1,
        offline: twins[t]!,
        omega: omegaAll(alphas.slice(0, t + 1), twins.slice(0, t + 1)),
        last,
      }));
    },
    claims: [
      claim(`Ω_all on ${title}: ≥ ${bar}`, {
        paper: 'our bar',
        decidedFrom: 'paper',
        measure: (rows) => withInterval(where(rows, { last: true }), bar),
      }),
    ],
    plot: (rows) =>
      lineOverSeeds(
        rows.flatMap(({ seed, classes, streaming, offline }) => [
          { seed, classes, line: 'CSSL', value: streaming },
          { seed, classes, line: 'offline twin', value: offline },
        ]),
        {
          title: `${title}: streaming and offline accuracy`,
          x: { field: 'classes', title: 'classes seen' },
          y: { field: 'value', title: 'test accuracy on the classes seen', format: '.0%' },
          series: 'line',
        },
      ),
  });
}

/** Scales on MNIST and Fashion-MNIST. */
export const omegaScales: Scales<OmegaConfig> = {
  smoke: {
    seeds: 1,
    config: {
      classes: 3,
      perClass: 15,
      testPerClass: 20,
      network: 'mlp-400',
      capacity: 30,
      replay: 7,
      optimizer: 'sgd',
      learningRate: 0.1,
      epochs: 2,
      batchSize: 32,
    },
  },
  standard: {
    seeds: 2,
    config: {
      classes: 10,
      perClass: 60,
      testPerClass: 100,
      network: 'mlp-400',
      capacity: 500,
      replay: 31,
      optimizer: 'sgd',
      learningRate: 0.1,
      epochs: 10,
      batchSize: 32,
    },
  },
  paper: {
    seeds: 5,
    config: {
      classes: 10,
      perClass: 7_000,
      testPerClass: 1_200,
      network: 'mlp-400',
      capacity: 4_400,
      replay: 31,
      optimizer: 'sgd',
      learningRate: 0.1,
      epochs: 10,
      batchSize: 128,
    },
  },
};

/** The mean against the bar, its 95 % confidence interval beside it. */
function withInterval(rows: readonly OmegaRow[], bar: number): Finding {
  const finding = meanAtLeast(rows, (row) => row.omega, bar);
  const values = [...overSeeds(rows, (row) => row.omega).bySeed.values()];
  if (values.length < 2) return finding;
  const [low, high] = pairedTTest(
    values,
    values.map(() => 0),
  ).confidenceInterval;
  return {
    ...finding,
    ours: `${finding.ours}, 95 % confidence interval [${low.toFixed(3)}, ${high.toFixed(3)}]`,
    values: { ...finding.values, low, high },
  };
}
