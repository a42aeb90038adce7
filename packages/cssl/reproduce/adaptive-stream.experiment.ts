import '@tensorflow/tfjs';
import type { Step } from '@ockham/cssl';
import { barsOverSeeds, claim, differenceAtLeast, experiment, overSeeds, where } from '@ockham/reproduce';
import type { StreamRow } from './stream-rows.ts';
import { mnistScales, runVariants, variantReasons, type VariantConfig } from './variants.ts';

const rates = [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3] as const;
const rules: Readonly<Record<string, { step: Step; stepPer?: 'layer' }>> = {
  adaptive: { step: 'adaptive' },
  'adaptive, by layer': { step: 'adaptive', stepPer: 'layer' },
  'adaptive, printed cap': { step: { rule: 'adaptive', form: 'printed' } },
  Polyak: { step: 'polyak' },
  'line search': { step: 'line-search' },
};
const percent = { scale: 100, unit: '%' } as const;

export default experiment<VariantConfig, StreamRow, 'mnist'>({
  id: 'cssl/adaptive-stream',
  paper: 'Section 4 and Algorithm 2 in the stream: steps without tuning against tuned SGD',
  datasets: ['mnist'],
  scales: mnistScales,
  why: { ...variantReasons, learningRate: 'not used: SGD with seven rates, and steps that need none' },
  differences: [
    'The paper describes the step and shows no figure of it; MNIST, MLP-400 and the seven rates, 0.003 to 3, are ours.',
    'In a stream the cap is √(1 + 0.02 θ)·η, as Malitsky and Mishchenko take it for networks.',
  ],
  run: ({ config, data, ...run }) =>
    runVariants(
      run,
      data.mnist,
      config,
      [{ name: 'crop-flip', padding: 2, flip: 0 }],
      [
        ...rates.map((learningRate) => ({
          name: `SGD ${learningRate}`,
          options: { optimizer: 'sgd' as const, learningRate },
        })),
        ...Object.entries(rules).map(([name, rule]) => ({
          name,
          options: { optimizer: 'sgd' as const, ...rule },
        })),
      ],
    ),
  claims: [
    claim('the adaptive step is within 1 point of the best of seven learning rates', {
      paper: 'our bar',
      decidedFrom: 'paper',
      measure: (rows) => {
        const tuned = best(rows);
        return differenceAtLeast(ended(rows, 'adaptive'), ended(rows, tuned), (r) => r.top1, -0.01, {
          ...percent,
          names: ['adaptive', tuned],
        });
      },
    }),
  ],
  plot: (rows) =>
    barsOverSeeds(
      rows.filter((row) => row.last),
      {
        title: 'MNIST: accuracy at the end of the stream',
        x: { field: 'method', title: '' },
        y: { field: 'top1', title: 'test accuracy', format: '.0%' },
        series: 'method',
      },
    ),
});

function ended(rows: readonly StreamRow[], method: string): StreamRow[] {
  return where(rows, { last: true, method });
}

/** The rate with the highest mean. */
function best(rows: readonly StreamRow[]): string {
  const mean = (method: string) => overSeeds(ended(rows, method), (row) => row.top1).mean;
  return rates.map((rate) => `SGD ${rate}`).reduce((a, b) => (mean(b) > mean(a) ? b : a));
}
