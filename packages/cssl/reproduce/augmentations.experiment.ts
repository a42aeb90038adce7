import '@tensorflow/tfjs';
import type { AugmentationName } from '@ockham/cssl';
import {
  barsOverSeeds,
  claim,
  compareOverSeeds,
  differenceAtLeast,
  experiment,
  where,
} from '@ockham/reproduce';
import type { StreamRow } from './stream-rows.ts';
import { runVariants, tin100Scales, variantReasons, type VariantConfig } from './variants.ts';

const full: readonly AugmentationName[] = ['crop-flip', 'mixup', 'cutmix', 'autoaugment'];
const percent = { scale: 100, unit: '%' } as const;

export default experiment<VariantConfig, StreamRow, 'tin100-32'>({
  id: 'cssl/augmentations',
  paper: 'Section 2.4.3: the augmentation pipeline, each part removed in turn',
  datasets: ['tin100-32'],
  scales: tin100Scales,
  why: variantReasons,
  differences: [
    'tin100-32 in place of CIFAR-100 and ImageNet; the paper gives no table of its own for this.',
  ],
  run: ({ config, data, ...run }) =>
    runVariants(run, data['tin100-32'], config, full, [
      { name: 'full pipeline' },
      { name: 'none', options: { augment: [] } },
      ...full.map((removed) => ({
        name: `without ${removed}`,
        options: { augment: full.filter((name) => name !== removed) },
      })),
    ]),
  claims: [
    claim('the full pipeline is worth ≥ 3 points over none', {
      paper: 'our bar; section 2.4.3: fundamental to the performance',
      measure: (rows) =>
        differenceAtLeast(
          where(rows, { last: true, method: 'full pipeline' }),
          where(rows, { last: true, method: 'none' }),
          (r) => r.top1,
          0.03,
          { ...percent, names: ['full pipeline', 'none'] },
        ),
    }),
    ...full.map((removed) =>
      claim<StreamRow>(`the full pipeline is better than without ${removed}`, {
        paper: 'section 2.4.3: all four are combined',
        measure: (rows) =>
          compareOverSeeds(
            where(rows, { last: true, method: 'full pipeline' }),
            where(rows, { last: true, method: `without ${removed}` }),
            (r) => r.top1,
            { ...percent, names: ['full pipeline', `without ${removed}`] },
          ),
      }),
    ),
  ],
  plot: (rows) =>
    barsOverSeeds(
      rows.filter((row) => row.last),
      {
        title: 'Accuracy at the end, parts of the augmentation removed',
        x: { field: 'method', title: '' },
        y: { field: 'top1', title: 'test accuracy', format: '.0%' },
        series: 'method',
      },
    ),
});
