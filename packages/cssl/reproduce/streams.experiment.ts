import '@tensorflow/tfjs';
import {
  blurred,
  classIncremental,
  domainDrift,
  iid,
  imbalanced,
  instanceOrdered,
  labelNoise,
  type Stream,
} from '@ockham/cssl';
import { barsOverSeeds, claim, compareOverSeeds, differenceAtLeast, experiment } from '@ockham/reproduce';
import { baselines } from './methods.ts';
import type { StreamData } from './stream-data.ts';
import type { StreamRow } from './stream-rows.ts';
import { mnistScales, runVariants, variantReasons, type VariantConfig } from './variants.ts';

interface StreamsRow extends StreamRow {
  readonly stream: string;
  readonly learner: 'CSSL' | 'replay';
}

const percent = { scale: 100, unit: '%' } as const;

export default experiment<VariantConfig, StreamsRow, 'fashion-mnist'>({
  id: 'cssl/streams',
  paper:
    'Section 2.2, future work: streams that are not one class after the other, and mini-batches of new data',
  datasets: ['fashion-mnist'],
  scales: mnistScales,
  why: variantReasons,
  differences: [
    'The paper names these streams as future work and shows none.',
    'Tests are on the original test images with their true labels, also where the stream drifts or has wrong labels.',
    'Still images have no instances: runs of similar images, found by k-means within each class, stand in for them.',
  ],
  async run({ config, data, ...run }) {
    const { seed } = run;
    const order = Array.from({ length: config.classes }, (_, i) => i);
    const byClass = ({ train }: StreamData) => classIncremental(train, { seed, order });
    const streams: Record<string, { make: (drawn: StreamData) => Stream; batch?: number }> = {
      'class by class': { make: byClass },
      'class by class, 10 at a time': { make: byClass, batch: 10 },
      iid: { make: ({ train }) => iid(train, { seed }) },
      'instance-ordered': { make: ({ train }) => instanceOrdered(train, { seed, order: 'instance' }) },
      'blurred boundaries': { make: ({ train }) => blurred(train, { seed, order }) },
      'imbalanced 20:1': { make: (drawn) => imbalanced(byClass(drawn), { ratio: 20, seed }) },
      'label noise 20 %': { make: (drawn) => labelNoise(byClass(drawn), { rate: 0.2, seed }) },
      'drift, 45°': {
        make: (drawn) => domainDrift(iid(drawn.train, { seed }), { rotation: 45, brightness: 0.2 }),
      },
    };
    const rows = await runVariants(
      run,
      data['fashion-mnist'],
      config,
      [{ name: 'crop-flip', padding: 2 }],
      Object.entries(streams).flatMap(([name, { make, batch }]) =>
        (['CSSL', 'replay'] as const).map((learner) => ({
          name: `${learner}: ${name}`,
          stream: make,
          ...(batch !== undefined && { batch }),
          ...(learner === 'replay' && { make: baselines.replay }),
        })),
      ),
    );
    return rows
      .filter((row) => row.last)
      .map((row) => ({
        ...row,
        stream: row.method.slice(row.method.indexOf(': ') + 2),
        learner: row.method.startsWith('CSSL') ? ('CSSL' as const) : ('replay' as const),
      }));
  },
  claims: [
    claim('class by class, CSSL is within 5 points of the iid stream', {
      paper: 'our expectation: the order of the stream matters little',
      measure: (rows) =>
        differenceAtLeast(of(rows, 'class by class'), of(rows, 'iid'), (r) => r.top1, -0.05, {
          ...percent,
          names: ['class by class', 'iid'],
        }),
    }),
    claim('CSSL is above plain replay where classes come one by one', {
      paper: 'our expectation',
      measure: (rows) =>
        compareOverSeeds(of(rows, 'class by class'), of(rows, 'class by class', 'replay'), (r) => r.top1, {
          ...percent,
          names: ['CSSL', 'replay'],
        }),
    }),
    claim('ten new examples at a time, a tenth of the steps, cost at most 5 points', {
      paper: 'section 2.2: future work',
      measure: (rows) =>
        differenceAtLeast(
          of(rows, 'class by class, 10 at a time'),
          of(rows, 'class by class'),
          (r) => r.top1,
          -0.05,
          { ...percent, names: ['10 at a time', 'one at a time'] },
        ),
    }),
  ],
  plot: (rows) =>
    barsOverSeeds(rows, {
      title: 'Fashion-MNIST: accuracy at the end of different streams',
      x: { field: 'stream', title: '' },
      y: { field: 'top1', title: 'test accuracy', format: '.0%' },
      series: 'learner',
    }),
});

function of(rows: readonly StreamsRow[], stream: string, learner: 'CSSL' | 'replay' = 'CSSL'): StreamsRow[] {
  return rows.filter((row) => row.stream === stream && row.learner === learner);
}
