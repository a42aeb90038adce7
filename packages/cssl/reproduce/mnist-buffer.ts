import { classIncremental, streamOf, type AugmentationSpec } from '@ockham/cssl';
import {
  barsOverSeeds,
  claim,
  compareOverSeeds,
  experiment,
  meanAtLeast,
  meanAtMost,
  where,
  type Experiment,
} from '@ockham/reproduce';
import { baselines, cssl, type MakeLearner, type Shared } from './methods.ts';
import { networkOf, type NetworkName } from './networks.ts';
import { drawClasses, type DataConfig } from './stream-data.ts';
import { streamRows, type StreamRow } from './stream-rows.ts';

/** How the learner is held against others with a buffer of one size. */
export interface BufferConfig extends DataConfig {
  readonly capacity: number;
  readonly replay: number;
  readonly learningRate: number;
}

type Rival = 'replay' | 'DER++' | 'iCaRL' | 'GDumb' | 'fine-tuning';

/** What differs between buffers. */
export interface BufferSubject {
  readonly id: string;
  readonly network: NetworkName;
  /** Examples in the buffer at paper scale. */
  readonly capacity: number;
  /** Accuracy at the end that the learner must reach, and what was published. */
  readonly bar: number;
  readonly published: string;
  readonly rivals: readonly Rival[];
}

const digits: AugmentationSpec = ['warp'];
const own = 'CSSL';
const augmented = 'GDumb, augmented';
const percent = { scale: 100, unit: '%' } as const;
const titles: Partial<Record<NetworkName, string>> = {
  'mlp-400': 'MLP-400',
  'small-cnn': 'CNN of 23,002 parameters',
};

/** MNIST, one class at a time, one example at a time, one pass; every method keeps the bytes of the same buffer. */
export function mnistBuffer(subject: BufferSubject): Experiment<BufferConfig, StreamRow, 'mnist'> {
  const { id, network, capacity, bar, published, rivals } = subject;
  const title = `${titles[network]!}, buffer ${capacity.toLocaleString('en')}`;
  const last = (rows: readonly StreamRow[], method: string) => where(rows, { method, last: true });
  return experiment<BufferConfig, StreamRow, 'mnist'>({
    id,
    paper: `Section 2.2 on MNIST, class by class: ${title}`,
    datasets: ['mnist'],
    scales: {
      smoke: {
        seeds: 1,
        config: { classes: 3, perClass: 8, testPerClass: 25, capacity: 12, replay: 7, learningRate: 0.1 },
      },
      standard: {
        seeds: 2,
        config: {
          classes: 10,
          perClass: 30,
          testPerClass: 100,
          capacity: Math.min(200, capacity / 10),
          replay: 31,
          learningRate: 0.1,
        },
      },
      paper: {
        seeds: 5,
        config: {
          classes: 10,
          perClass: 7_000,
          testPerClass: 1_200,
          capacity,
          replay: 31,
          learningRate: 0.1,
        },
      },
    },
    why: {
      classes: 'all ten, in an order of each seed',
      perClass: 'all there are at paper scale',
      testPerClass: 'all there are at paper scale',
      capacity: 'examples in the buffer; every method gets the bytes that they take here',
      replay: 'B = 31: batches of 32',
      learningRate:
        'plain SGD at a constant rate, chosen on 10,000 training examples that trials left out; the same for every method that takes a step an example',
    },
    differences: [
      `MNIST and ${network === 'mlp-400' ? 'an MLP with 400 hidden units' : 'a CNN of 23,002 parameters'}; the paper has CIFAR-100 and ResNet-18.`,
      'Augmentation is a random warp (small turns, stretches, shifts and elastic pulls) in place of the paper’s pipeline, which is for photographs. Settings were chosen on training examples that trials left out.',
      'GDumb takes as many gradient examples as the other methods in all, at the end of the stream, as published without augmentation; “augmented” has ours.',
      'Published figures in brackets are for five tasks of two classes or easier streams.',
    ],
    async run({ config, data, ...run }) {
      const { seed } = run;
      const { train, test } = drawClasses(data.mnist, config, seed);
      const order = Array.from({ length: config.classes }, (_, i) => i);
      const stream = classIncremental(train, { seed, order });
      const atTheEnd = streamOf({ name: stream.name, split: train, rows: stream.rows });
      const shared: Shared = {
        seed,
        memory: { bytes: bytesOf(config.capacity, config.classes) },
        replay: config.replay,
        optimizer: { name: 'sgd', learningRate: config.learningRate },
        augment: digits,
        epochs: Math.max(
          1,
          Math.round((train.size * (config.replay + 1)) / Math.min(config.capacity, train.size)),
        ),
      };
      const methods: Record<string, MakeLearner> = {
        [own]: cssl(),
        [augmented]: (model, given) => baselines.GDumb(model, given, given.augment),
        ...Object.fromEntries(rivals.map((name) => [name, baselines[name]])),
      };
      const rows: StreamRow[] = [];
      for (const [method, make] of Object.entries(methods)) {
        const found = await streamRows(run, {
          data: 'mnist',
          method,
          stream: method.startsWith('GDumb') ? atTheEnd : stream,
          test,
          model: () => networkOf(network, { inputShape: [28, 28, 1], classes: config.classes, seed }),
          learner: (model) => make(model, shared),
        });
        rows.push(...found);
      }
      return rows;
    },
    claims: [
      claim(`${title}: ≥ ${bar * 100} %`, {
        paper: `our bar (published: ${published})`,
        decidedFrom: 'paper',
        measure: (rows) => meanAtLeast(last(rows, own), (r) => r.top1, bar, percent),
      }),
      ...[...rivals.filter((name) => name !== 'fine-tuning'), augmented].map((rival) =>
        claim<StreamRow>(`above ${rival} at the same bytes and the same compute`, {
          paper: 'our bar',
          decidedFrom: 'paper',
          measure: (rows) =>
            compareOverSeeds(last(rows, own), last(rows, rival), (r) => r.top1, {
              ...percent,
              names: [own, rival],
            }),
        }),
      ),
      ...(rivals.includes('fine-tuning')
        ? [
            claim<StreamRow>('plain fine-tuning forgets: ≤ 25 %', {
              paper: 'our bar: 10–20 %',
              measure: (rows) => meanAtMost(last(rows, 'fine-tuning'), (r) => r.top1, 0.25, percent),
            }),
          ]
        : []),
    ],
    plot: (rows) =>
      barsOverSeeds(
        rows.filter((row) => row.last),
        {
          title: `MNIST, one class at a time: ${title}`,
          x: { field: 'method', title: '' },
          y: { field: 'top1', title: 'test accuracy', format: '.0%' },
          series: 'method',
        },
      ),
  });
}

/** What the buffer of the paper's learner takes for so many digits: pixels, and what it counts beside them. */
function bytesOf(capacity: number, classes: number): number {
  return capacity * (28 * 28 + 16) + classes * 56;
}
