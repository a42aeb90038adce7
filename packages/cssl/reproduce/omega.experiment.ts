import '@tensorflow/tfjs';
import { pairedTTest } from '@ockham/core/metrics';
import { classIncremental, offlineAccuracies, omegaAll, type AugmentationSpec } from '@ockham/cssl';
import {
  barsOverSeeds,
  claim,
  experiment,
  meanAtLeast,
  overSeeds,
  where,
  type Finding,
  type Row,
} from '@ockham/reproduce';
import { cssl } from './methods.ts';
import { networkOf, type NetworkName } from './networks.ts';
import { drawClasses } from './stream-data.ts';
import { streamRows } from './stream-rows.ts';

type Name = 'mnist' | 'fashion-mnist' | 'tin100-32';

/** How the learner and its twins run on one data set. */
interface Setting {
  readonly classes: number;
  readonly perClass: number;
  readonly testPerClass: number;
  readonly network: NetworkName;
  readonly capacity: number;
  readonly learningRate: number;
  /** Passes of each offline twin. */
  readonly epochs: number;
}

interface Config {
  readonly settings: Readonly<Record<Name, Setting>>;
  readonly replay: number;
}

interface OmegaRow extends Row {
  readonly data: Name;
  readonly classes: number;
  /** α_t and α_offline,t. */
  readonly streaming: number;
  readonly offline: number;
  /** Ω_all over the tests up to this one. */
  readonly omega: number;
  readonly last: boolean;
}

const augment: Readonly<Record<Name, AugmentationSpec>> = {
  mnist: [{ name: 'crop-flip', padding: 2, flip: 0 }],
  'fashion-mnist': [{ name: 'crop-flip', padding: 2 }],
  'tin100-32': ['crop-flip', 'mixup', 'cutmix', 'autoaugment'],
};
const names: readonly Name[] = ['mnist', 'fashion-mnist', 'tin100-32'];
const bars: Readonly<Record<Name, number>> = { mnist: 0.97, 'fashion-mnist': 0.88, 'tin100-32': 0.7 };

export default experiment<Config, OmegaRow, Name>({
  id: 'cssl/omega',
  paper: 'Section 2.3: Ω_all, streaming against offline accuracy at every test',
  datasets: names,
  scales: {
    smoke: {
      seeds: 1,
      config: {
        replay: 7,
        settings: {
          mnist: {
            classes: 3,
            perClass: 15,
            testPerClass: 20,
            network: 'mlp-400',
            capacity: 30,
            learningRate: 0.05,
            epochs: 2,
          },
          'fashion-mnist': {
            classes: 3,
            perClass: 15,
            testPerClass: 20,
            network: 'mlp-400',
            capacity: 30,
            learningRate: 0.05,
            epochs: 2,
          },
          'tin100-32': {
            classes: 2,
            perClass: 8,
            testPerClass: 10,
            network: 'small-cnn',
            capacity: 16,
            learningRate: 0.02,
            epochs: 1,
          },
        },
      },
    },
    standard: {
      seeds: 2,
      config: {
        replay: 31,
        settings: {
          mnist: {
            classes: 10,
            perClass: 60,
            testPerClass: 100,
            network: 'mlp-400',
            capacity: 500,
            learningRate: 0.05,
            epochs: 10,
          },
          'fashion-mnist': {
            classes: 10,
            perClass: 60,
            testPerClass: 100,
            network: 'mlp-400',
            capacity: 500,
            learningRate: 0.05,
            epochs: 10,
          },
          'tin100-32': {
            classes: 10,
            perClass: 40,
            testPerClass: 30,
            network: 'small-cnn',
            capacity: 400,
            learningRate: 0.02,
            epochs: 15,
          },
        },
      },
    },
    paper: {
      seeds: 5,
      config: {
        replay: 31,
        settings: {
          mnist: {
            classes: 10,
            perClass: 7_000,
            testPerClass: 1_200,
            network: 'mlp-400',
            capacity: 4_400,
            learningRate: 0.05,
            epochs: 10,
          },
          'fashion-mnist': {
            classes: 10,
            perClass: 7_000,
            testPerClass: 1_200,
            network: 'mlp-400',
            capacity: 4_400,
            learningRate: 0.05,
            epochs: 10,
          },
          'tin100-32': {
            classes: 20,
            perClass: 120,
            testPerClass: 30,
            network: 'resnet-8',
            capacity: 2_400,
            learningRate: 0.02,
            epochs: 30,
          },
        },
      },
    },
  },
  why: {
    settings:
      'all classes of MNIST and Fashion-MNIST, 20 of tin100-32 at paper scale; twins train until they stop to gain',
    replay: 'B = 31',
  },
  differences: [
    'The paper defines Ω_all and prints no figure of its own for it; data sets are ours.',
    'An offline twin has the same network, trained from scratch by Adam on all examples seen by the test, without augmentation.',
  ],
  async run({ config, data, ...run }) {
    const rows: OmegaRow[] = [];
    for (const name of names) {
      const { network, epochs, ...setting } = config.settings[name];
      const { train, test } = drawClasses(data[name], setting, run.seed);
      const order = Array.from({ length: setting.classes }, (_, i) => i);
      const stream = classIncremental(train, { seed: run.seed, order });
      const build = () =>
        networkOf(network, { inputShape: train.x.shape, classes: setting.classes, seed: run.seed });
      const streaming = await streamRows(run, {
        data: name,
        method: 'CSSL',
        stream,
        test,
        model: build,
        learner: (model) =>
          cssl()(model, {
            seed: run.seed,
            memory: { capacity: setting.capacity },
            replay: config.replay,
            optimizer: { name: 'momentum', learningRate: setting.learningRate },
            augment: augment[name],
            epochs: 1,
          }),
      });
      const offline = await offlineAccuracies(stream, test, {
        build,
        training: { epochs, batchSize: 32, seed: run.seed },
        configuration: { network, seed: run.seed },
        cache: (key) => run.checkpoint(`twin-${key.slice(0, 24)}`),
        signal: run.signal,
        progress: (event) => run.progress({ ...event, stage: `${name}, ${event.stage}` }),
      });
      const alphas = streaming.map((row) => row.top1);
      const twins = offline.map((twin) => twin.top1);
      rows.push(
        ...streaming.map((row, t) => ({
          seed: run.seed,
          data: name,
          classes: row.classes,
          streaming: row.top1,
          offline: twins[t]!,
          omega: omegaAll(alphas.slice(0, t + 1), twins.slice(0, t + 1)),
          last: row.last,
        })),
      );
    }
    return rows;
  },
  claims: names.map((name) =>
    claim<OmegaRow>(`Ω_all on ${name}: ≥ ${bars[name]}`, {
      paper: 'our bar',
      decidedFrom: 'paper',
      measure: (rows) => withInterval(where(rows, { data: name, last: true }), bars[name]),
    }),
  ),
  plot: (rows) =>
    barsOverSeeds(
      rows.filter((row) => row.last),
      {
        title: 'Ω_all at the end of the stream',
        x: { field: 'data', title: '' },
        y: { field: 'omega', title: 'Ω_all' },
        series: 'data',
      },
    ),
});

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
