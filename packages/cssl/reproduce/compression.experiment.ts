import '@tensorflow/tfjs';
import type { CodecSpec } from '@ockham/cssl';
import { claim, compareOverSeeds, differenceAtLeast, experiment, lineOverSeeds } from '@ockham/reproduce';
import type { StreamRow } from './stream-rows.ts';
import { mnistScales, runVariants, variantReasons, type VariantConfig } from './variants.ts';

interface Config extends VariantConfig {
  /** Budgets of bytes at which codecs are compared. */
  readonly budgets: readonly number[];
}

interface CodecRow extends StreamRow {
  readonly codec: string;
  /** The budget, or 0 where every codec keeps the same number of examples. */
  readonly budget: number;
}

/** By the size of a record against 784 bytes of pixels. */
const codecs: Readonly<Record<string, readonly CodecSpec[]>> = {
  none: ['none'],
  '4 bits (2×)': ['quantise(4)'],
  '14×14, 4 bits (8×)': ['resize(14x14)', 'quantise(4)'],
  '1 bit (8×)': ['quantise(1)'],
  'JPEG 50': ['jpeg(50)'],
};
const eightfold = '14×14, 4 bits (8×)';
const percent = { scale: 100, unit: '%' } as const;
const withBudgets = <S extends { config: VariantConfig }>(scale: S, budgets: readonly number[]) => ({
  ...scale,
  config: { ...scale.config, budgets },
});

export default experiment<Config, CodecRow, 'mnist'>({
  id: 'cssl/compression',
  paper: 'Section 2.4.2: compressed replay at equal counts and at equal bytes',
  datasets: ['mnist'],
  scales: {
    smoke: withBudgets(mnistScales.smoke, [10_000]),
    standard: withBudgets(mnistScales.standard, [50_000]),
    paper: withBudgets(mnistScales.paper, [25_000, 50_000, 200_000, 800_000]),
  },
  why: { ...variantReasons, budgets: 'tight, ≤ 200 kB, and one that holds many' },
  differences: ['MNIST, whose images are 784 bytes.'],
  async run({ config, data, ...run }) {
    const rows: CodecRow[] = [];
    for (const budget of [0, ...config.budgets]) {
      const names = Object.keys(codecs);
      const found = await runVariants(
        run,
        data.mnist,
        config,
        [{ name: 'crop-flip', padding: 2, flip: 0 }],
        names.map((name) => ({
          name: `${name} at ${budget}`,
          options: { replay: { codec: codecs[name]! } },
          memory: budget === 0 ? { capacity: config.capacity } : { bytes: budget },
        })),
      );
      rows.push(
        ...found
          .filter((row) => row.last)
          .map((row) => ({ ...row, budget, codec: row.method.slice(0, row.method.lastIndexOf(' at ')) })),
      );
    }
    return rows;
  },
  figures: [
    {
      id: 'compression',
      title: 'Accuracy against bytes of the buffer',
      paperClaim: 'Compression lowers memory greatly and preserves performance.',
      claims: [
        claim('records of an eighth cost ≤ 0.3 points at the same count', {
          paper: 'our bar',
          decidedFrom: 'paper',
          measure: (rows) =>
            differenceAtLeast(of(rows, eightfold, 0), of(rows, 'none', 0), (r) => r.top1, -0.003, {
              ...percent,
              names: [eightfold, 'none'],
            }),
        }),
        claim('records of an eighth gain at every budget ≤ 200 kB', {
          paper: 'our bar',
          measure: (rows) => {
            const tight = rows.filter((r) => r.budget > 0 && r.budget <= 200_000);
            return compareOverSeeds(
              tight.filter((r) => r.codec === eightfold),
              tight.filter((r) => r.codec === 'none'),
              (r) => r.top1,
              { ...percent, names: [eightfold, 'none'], at: (r) => r.budget },
            );
          },
        }),
      ],
      plot: (rows) =>
        lineOverSeeds(
          rows.filter((row) => row.budget > 0),
          {
            title: 'MNIST: accuracy at the end against bytes of the buffer',
            x: { field: 'budget', title: 'bytes of the buffer', scale: 'log' },
            y: { field: 'top1', title: 'test accuracy', format: '.0%' },
            series: 'codec',
          },
        ),
    },
  ],
});

function of(rows: readonly CodecRow[], codec: string, budget: number): CodecRow[] {
  return rows.filter((row) => row.codec === codec && row.budget === budget);
}
