import '@tensorflow/tfjs';
import { mlp } from '@ockham/core/models';
import { __fn__ } from '@ockham/__name__';
import { claim, experiment, lineOverSeeds, meanAtMost, type Row } from '@ockham/reproduce';

interface Config {
  readonly bits: readonly number[];
  readonly units: number;
}

interface RoundingRow extends Row {
  readonly kernels: 'uniform';
  readonly bits: number;
  readonly error: number;
  /** Step ÷ √6 over the deviation of uniform weights, step and deviation by the weights' range. */
  readonly expected: number;
}

export default experiment<Config, RoundingRow, never>({
  id: '__name__/rounding-error',
  paper: 'Section 3: error of stochastic rounding against the number of bits',
  datasets: [],
  scales: {
    smoke: { seeds: 1, config: { bits: [2, 4], units: 64 } },
    standard: { seeds: 3, config: { bits: [2, 4, 6, 8], units: 256 } },
    paper: { seeds: 5, config: { bits: [1, 2, 3, 4, 5, 6, 7, 8, 10, 12], units: 512 } },
  },
  why: { bits: 'from the fewest to those of common hardware', units: 'one kernel of units × units weights' },
  differences: ['Weights of an untrained network: the error depends on their distribution alone.'],
  async run({ config, seed, signal }) {
    const model = mlp({ inputShape: [config.units], units: [], classes: config.units, output: 'logits', seed });
    const rows: RoundingRow[] = [];
    for (const bits of config.bits) {
      const { model: rounded, error } = await __fn__(model, { bits, seed, signal });
      rounded.dispose();
      const step = 2 / (2 ** bits - 1); // of weights in [−1, 1], whose mean square is 1/3
      rows.push({ seed, kernels: 'uniform', bits, error, expected: step / Math.sqrt(6) / Math.sqrt(1 / 3) });
    }
    model.dispose();
    return rows;
  },
  claims: [
    claim<RoundingRow>('the error is within 5 % of that of a uniform fraction of a step', {
      paper: 'the variance of rounding at random is f (1 − f) steps², on average 1/6',
      measure: (rows) =>
        meanAtMost(rows, ({ error, expected }) => Math.abs(error / expected - 1), 0.05, { scale: 100, unit: '%' }),
    }),
  ],
  plot: (rows) =>
    lineOverSeeds(rows, {
      title: 'Error of stochastic rounding',
      x: { field: 'bits' },
      y: { field: 'error', title: '‖Ŵ − W‖ / ‖W‖', scale: 'log' },
      series: 'kernels',
    }),
});
