import '@tensorflow/tfjs';
import { classIncremental, streamOf } from '@ockham/cssl';
import {
  barsOverSeeds,
  claim,
  compareOverSeeds,
  experiment,
  meanAtLeast,
  meanAtMost,
  where,
} from '@ockham/reproduce';
import { baselines, cssl, type MakeLearner, type Shared } from './methods.ts';
import { networkOf, type NetworkName } from './networks.ts';
import { drawClasses, type DataConfig } from './stream-data.ts';
import { streamRows, type StreamRow } from './stream-rows.ts';

interface Config extends DataConfig {
  readonly capacities: readonly number[];
  readonly replay: number;
  readonly learningRate: number;
}

interface MnistRow extends StreamRow {
  readonly network: NetworkName;
  readonly capacity: number;
}

const percent = { scale: 100, unit: '%' } as const;
const best = 'CSSL';
/** Those that a cold start can be held against at the same bytes: no pretrained weights. */
const rivals = ['replay', 'DER++', 'iCaRL', 'GDumb'] as const;

export default experiment<Config, MnistRow, 'mnist'>({
  id: 'cssl/mnist',
  paper: 'Section 2.2 on MNIST: one class at a time, one example at a time, one pass',
  datasets: ['mnist'],
  scales: {
    smoke: {
      seeds: 1,
      config: { classes: 3, perClass: 8, testPerClass: 25, capacities: [40], replay: 7, learningRate: 0.05 },
    },
    standard: {
      seeds: 2,
      config: {
        classes: 10,
        perClass: 60,
        testPerClass: 100,
        capacities: [200],
        replay: 31,
        learningRate: 0.05,
      },
    },
    paper: {
      seeds: 5,
      config: {
        classes: 10,
        perClass: 7_000,
        testPerClass: 1_200,
        capacities: [500, 1_000, 4_400],
        replay: 31,
        learningRate: 0.05,
      },
    },
  },
  why: {
    classes: 'all ten, in an order of each seed',
    perClass: 'all there are at paper scale',
    testPerClass: 'all there are at paper scale',
    capacities: 'examples in the buffer: those of the bars; every method gets the bytes that they take here',
    replay: 'B = 31: batches of 32',
    learningRate:
      'SGD with momentum 0.9, the same for every method that takes a step an example; DER++ diverges with momentum and has none',
  },
  differences: [
    'MNIST, MLP with 400 hidden units, and a CNN of 23,002 parameters; the paper has CIFAR-100 and ResNet-18.',
    'Augmentation is random crops (padding 2) without flips: digits have a hand.',
    'GDumb takes as many gradient examples as the other methods in all, at the end of the stream.',
    'Published figures in brackets are for five tasks of two classes or easier streams.',
  ],
  async run({ config, data, ...run }) {
    const { seed } = run;
    const { train, test } = drawClasses(data.mnist, config, seed);
    const order = Array.from({ length: config.classes }, (_, i) => i);
    const stream = classIncremental(train, { seed, order });
    const atTheEnd = streamOf({ name: stream.name, split: train, rows: stream.rows });
    const rows: MnistRow[] = [];
    for (const capacity of config.capacities) {
      const bytes = bytesOf(capacity, config.classes);
      const shared: Shared = {
        seed,
        memory: { bytes },
        replay: config.replay,
        optimizer: { name: 'momentum', learningRate: config.learningRate },
        augment: [{ name: 'crop-flip', padding: 2, flip: 0 }],
        epochs: Math.max(1, Math.round((train.size * (config.replay + 1)) / capacity)),
      };
      const methods: Record<string, MakeLearner> = {
        [best]: cssl(),
        'CSSL, no augmentation': cssl({ augment: [] }),
        ...Object.fromEntries(rivals.map((name) => [name, baselines[name]])),
        ...(capacity === config.capacities[0] && { 'fine-tuning': baselines['fine-tuning'] }),
      };
      const networks: NetworkName[] =
        capacity === (config.capacities[1] ?? capacity) ? ['mlp-400', 'small-cnn'] : ['mlp-400'];
      for (const network of networks) {
        for (const [method, make] of Object.entries(methods)) {
          const found = await streamRows(run, {
            data: `${network}-${capacity}`,
            method,
            stream: method === 'GDumb' ? atTheEnd : stream,
            test,
            model: () => networkOf(network, { inputShape: [28, 28, 1], classes: config.classes, seed }),
            learner: (model) => make(model, shared),
          });
          rows.push(...found.map((row) => ({ ...row, data: 'mnist', network, capacity })));
        }
      }
    }
    return rows;
  },
  claims: [
    ...(
      [
        [500, 0.93, 'GDumb 91.9'],
        [1_000, 0.955, 'replay 92, CoPE 93'],
        [4_400, 0.97, 'GDumb 97.8'],
      ] as const
    ).map(([capacity, bar, published]) =>
      claim<MnistRow>(`MLP-400, buffer ${capacity}: ≥ ${bar * 100} %`, {
        paper: `our bar (published: ${published})`,
        decidedFrom: 'paper',
        measure: (rows) => meanAtLeast(last(rows, best, 'mlp-400', capacity), (r) => r.top1, bar, percent),
      }),
    ),
    claim('a CNN of ≤ 25k parameters, buffer 1,000: ≥ 97.5 %', {
      paper: 'our bar',
      decidedFrom: 'paper',
      measure: (rows) => meanAtLeast(last(rows, best, 'small-cnn', 1_000), (r) => r.top1, 0.975, percent),
    }),
    ...rivals.map((rival) =>
      claim<MnistRow>(`above ${rival} at the same bytes and the same compute, at every buffer`, {
        paper: 'our bar',
        measure: (rows) =>
          compareOverSeeds(
            rows.filter((r) => r.last && r.method === best && r.network === 'mlp-400'),
            rows.filter((r) => r.last && r.method === rival && r.network === 'mlp-400'),
            (r) => r.top1,
            { ...percent, names: [best, rival], at: (r) => r.capacity },
          ),
      }),
    ),
    claim('plain fine-tuning forgets: ≤ 25 %', {
      paper: 'our bar: 10–20 %',
      measure: (rows) =>
        meanAtMost(
          where(rows, { last: true, method: 'fine-tuning', network: 'mlp-400' }),
          (r) => r.top1,
          0.25,
          percent,
        ),
    }),
  ],
  plot: (rows) =>
    barsOverSeeds(
      rows.filter((r) => r.last).map((r) => ({ ...r, setting: `${r.network}, ${r.capacity}` })),
      {
        title: 'MNIST, one class at a time: accuracy at the end',
        x: { field: 'setting', title: 'network and examples in the buffer' },
        y: { field: 'top1', title: 'test accuracy', format: '.0%' },
        series: 'method',
      },
    ),
});

function last(rows: readonly MnistRow[], method: string, network: NetworkName, capacity: number): MnistRow[] {
  return where(rows, { last: true, method, network, capacity });
}

/** What the buffer of the paper's learner takes for so many digits: pixels, and what it counts beside them. */
function bytesOf(capacity: number, classes: number): number {
  return capacity * (28 * 28 + 16) + classes * 56;
}
