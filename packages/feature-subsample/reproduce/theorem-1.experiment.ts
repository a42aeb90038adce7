import { Random } from '@ockham/core/random';
import { linearSystem, maskedGradient, maskedLoss, randomProblem } from '@ockham/feature-subsample';
import { claim, experiment, inEveryRow, pointsOfRows, type Row } from '@ockham/reproduce';

interface Config {
  readonly features: readonly number[];
  readonly alphas: readonly number[];
}

interface TheoremRow extends Row {
  readonly features: number;
  readonly alpha: number;
  readonly digits: number;
  /** Largest difference of the mean over all 2^d masks from the whole, relative. */
  readonly lossError: number;
  readonly gradientError: number;
  /** The same for the formula of the theorem's first part. */
  readonly biasError: number;
}

export default experiment<Config, TheoremRow, never>({
  id: 'feature-subsample/theorem-1',
  paper: 'Theorem 1, by enumeration of every mask',
  datasets: [],
  scales: {
    smoke: { seeds: 2, config: { features: [3, 6], alphas: [0.3, 0.8] } },
    standard: { seeds: 5, config: { features: [2, 5, 8, 10], alphas: [0.3, 0.5, 0.8] } },
    paper: { seeds: 10, config: { features: [2, 4, 6, 8, 10, 12], alphas: [0.3, 0.5, 0.8] } },
  },
  why: { features: 'up to 4,096 masks', alphas: 'those of the other experiments' },
  differences: ['E[M_ii²] = 1/α, where E[M_ii] is printed a second time.'],
  run({ config, seed }) {
    return config.features.flatMap((d) =>
      config.alphas.map((alpha): TheoremRow => {
        const { A, b } = randomProblem(15, d, { seed, condition: 4, noise: 0.3 });
        const system = linearSystem(A, b);
        const random = new Random(seed).stream('point');
        const x = Float64Array.from({ length: d }, () => random.normal());
        let [loss, biased] = [0, 0];
        const mean = new Float64Array(d);
        for (let bits = 0; bits < 2 ** d; bits++) {
          const indices = Int32Array.from([...x.keys()].filter((i) => (bits >> i) & 1));
          const mask = { indices, weights: new Float64Array(indices.length).fill(1 / alpha) };
          const chance = alpha ** indices.length * (1 - alpha) ** (d - indices.length);
          const v = Float64Array.from(indices, (i) => x[i]!);
          loss += chance * maskedLoss(system, mask, v, 'deregularised');
          biased += chance * maskedLoss(system, mask, v, 'scaled');
          const g = maskedGradient(system, mask, v, 'deregularised');
          indices.forEach((i, p) => (mean[i]! += chance * g[p]!));
        }
        const all = { indices: Int32Array.from(x.keys()), weights: new Float64Array(d).fill(1) };
        const whole = maskedLoss(system, all, x, 'plain');
        const penalty = x.reduce((sum, value, i) => sum + system.diagonal[i]! * value * value, 0);
        const gradient = system.gradient(x);
        const size = Math.hypot(...gradient);
        const lossError = Math.abs(loss - whole) / whole;
        const gradientError = Math.hypot(...gradient.map((g, i) => g - mean[i]!)) / size;
        const biasError = Math.abs(biased - whole - ((1 / alpha - 1) / 2) * penalty) / whole;
        return {
          seed,
          features: d,
          alpha,
          lossError,
          gradientError,
          biasError,
          digits: Math.log10(Math.max(1e-17, lossError, gradientError, biasError)),
        };
      }),
    );
  },
  claims: [
    claim('loss, gradient and bias agree to 1e-12', {
      paper: 'Theorem 1',
      measure: (rows) =>
        inEveryRow(rows, (row) => Math.max(row.lossError, row.gradientError, row.biasError) < 1e-12),
    }),
  ],
  plot: (rows) =>
    pointsOfRows(rows, {
      title: 'Mean over all masks against the whole',
      x: { field: 'features', title: 'd' },
      y: { field: 'digits', title: 'log10 of the largest relative difference' },
      series: 'alpha',
    }),
});
