import '@tensorflow/tfjs';
import { cloneModel } from '@ockham/core/models';
import { claim, experiment, lineOverSeeds, overSeeds, trainOnce, type Finding } from '@ockham/reproduce';
import { networkOf } from './networks.ts';
import type { StreamRow } from './stream-rows.ts';
import { runVariants, tin100Scales, variantReasons, type VariantConfig } from './variants.ts';

interface Config extends VariantConfig {
  /** p: shares of the parameters that stay as they came. */
  readonly frozen: readonly number[];
  readonly pretrainEpochs: number;
}

interface FrozenRow extends StreamRow {
  readonly frozen: number;
}

const withFrozen = <S extends { config: VariantConfig }>(
  scale: S,
  frozen: readonly number[],
  pretrainEpochs: number,
) => ({ ...scale, config: { ...scale.config, frozen, pretrainEpochs } });

export default experiment<Config, FrozenRow, 'tin100-32'>({
  id: 'cssl/figure-2',
  paper: 'Figure 2: accuracy against the fraction of frozen parameters',
  datasets: ['tin100-32'],
  scales: {
    smoke: withFrozen(tin100Scales.smoke, [0, 0.9], 0.02),
    standard: withFrozen(tin100Scales.standard, [0, 0.3, 0.6, 0.95], 1),
    extended: withFrozen(tin100Scales.extended, [0, 0.3, 0.6, 0.95], 2),
    paper: withFrozen(tin100Scales.paper, [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99], 15),
  },
  why: {
    ...variantReasons,
    frozen: 'the first p of the parameters, whole tensors; the new head always learns',
    pretrainEpochs: 'passes over the classes that the stream leaves out',
  },
  differences: [
    'The paper fine-tunes a ResNet-18 from ImageNet on CIFAR-10 and CIFAR-100 offline; here a small network, pretrained on the classes of tin100-32 that the stream leaves out, learns the others in a stream.',
  ],
  async run({ config, data, ...run }) {
    const rows = await runVariants(
      run,
      data['tin100-32'],
      config,
      ['crop-flip', 'mixup', 'cutmix', 'autoaugment'],
      config.frozen.map((freeze) => ({
        name: `${freeze}`,
        options: { freeze },
        model: async ({ rest, restClasses, train }) => {
          const fresh = networkOf(config.network, {
            inputShape: train.x.shape,
            classes: restClasses,
            seed: run.seed,
          });
          const pretrained = await trainOnce(run, 'pretrained', fresh, rest!, {
            epochs: config.pretrainEpochs,
            batchSize: 32,
          });
          const copy = await cloneModel(pretrained);
          pretrained.dispose();
          return copy;
        },
      })),
    );
    return rows.filter((row) => row.last).map((row) => ({ ...row, frozen: Number(row.method) }));
  },
  claims: [
    claim('accuracy falls, within the spread, as more is frozen', {
      paper: 'Figure 2: consistently decreases',
      measure: fallsWithinSpread,
    }),
  ],
  plot: (rows) =>
    lineOverSeeds(rows, {
      title: 'tin100-32: accuracy at the end of the stream, first parameters frozen',
      x: { field: 'frozen', title: 'fraction of the parameters frozen', format: '.0%' },
      y: { field: 'top1', title: 'test accuracy', format: '.0%' },
      series: 'data',
    }),
});

/** Each mean is below the one before or within both spreads of it, and the last is below the first. */
function fallsWithinSpread(rows: readonly FrozenRow[]): Finding {
  const fractions = [...new Set(rows.map((row) => row.frozen))].sort((a, b) => a - b);
  const found = fractions.map((frozen) =>
    overSeeds(
      rows.filter((row) => row.frozen === frozen),
      (row) => row.top1,
    ),
  );
  const values = Object.fromEntries(fractions.map((frozen, i) => [`p = ${frozen}`, found[i]!.mean]));
  const ours = fractions.map((frozen, i) => `${frozen}: ${(100 * found[i]!.mean).toFixed(1)} %`).join(', ');
  if (found.length < 2) return { holds: null, ours, values, why: 'there are fewer than two fractions' };
  const rises = found.slice(1).findIndex((now, i) => now.mean - found[i]!.mean > now.sd + found[i]!.sd);
  const falls = found.at(-1)!.mean < found[0]!.mean;
  return {
    holds: rises < 0 && falls,
    ours,
    values,
    why:
      rises >= 0
        ? `it rises beyond the spread from p = ${fractions[rises]} to ${fractions[rises + 1]}`
        : falls
          ? 'no rise is beyond the spread, and the end is below the start'
          : 'the end is not below the start',
  };
}
