import { randomProblem, solve } from '@ockham/feature-subsample';
import { claim, experiment, inEveryRow, lineOverSeeds, type Row } from '@ockham/reproduce';

interface Config {
  readonly shapes: readonly (readonly [number, number])[];
  readonly alphas: readonly number[];
  readonly rounds: number;
  readonly halveEvery: number;
}

interface HalvingRow extends Row {
  readonly shape: string;
  readonly alpha: number;
  readonly curve: string;
  readonly round: number;
  readonly error: number;
  readonly last: boolean;
}

const shapes = [
  [200, 500],
  [500, 200],
] as const;

export default experiment<Config, HalvingRow, never>({
  id: 'feature-subsample/halving',
  paper: 'Section 5, end: halving the step after some global iterations',
  datasets: [],
  scales: {
    smoke: {
      seeds: 2,
      config: {
        shapes: [
          [40, 100],
          [100, 40],
        ],
        alphas: [0.8],
        rounds: 400,
        halveEvery: 40,
      },
    },
    standard: { seeds: 2, config: { shapes, alphas: [0.8], rounds: 400, halveEvery: 40 } },
    paper: { seeds: 10, config: { shapes, alphas: [0.5, 0.8], rounds: 400, halveEvery: 40 } },
  },
  why: {
    shapes: 'those of Figures 1 and 2',
    alphas: '0.8 is ours; 0.5 for what more masking costs',
    rounds: 'ten halvings',
    halveEvery: 'a few times what the error needs to settle',
  },
  differences: ['κ = 2, T = 1, L = 10, β = 1, η = α²/(2σ²) at the start; the paper names none of them.'],
  async run({ config, seed, signal }) {
    const rows: HalvingRow[] = [];
    for (const [n, d] of config.shapes) {
      const { A, b, optimum } = randomProblem(n, d, { seed, condition: 2 });
      for (const alpha of config.alphas) {
        for (const halveEvery of [0, config.halveEvery]) {
          const r = await solve(A, b, {
            method: 'consensus',
            alpha,
            seed,
            optimum,
            halveEvery,
            rounds: config.rounds,
            recordEvery: 20,
            guard: 'off',
            signal,
          });
          for (const { round, distance } of r.history) {
            rows.push({
              seed,
              shape: `${n} × ${d}`,
              alpha,
              curve: `α ${alpha}, ${halveEvery ? 'halved' : 'constant'}`,
              round,
              error: distance!,
              last: round === config.rounds,
            });
          }
        }
      }
    }
    return rows;
  },
  claims: [
    claim('with halving, every seed and shape ends below 0.01 at α = 0.8', {
      paper: 'below 0.01',
      measure: (rows) =>
        inEveryRow(
          rows.filter((row) => row.last && row.curve === 'α 0.8, halved'),
          (row) => row.error < 1e-2,
        ),
    }),
  ],
  plot: (rows) =>
    lineOverSeeds(rows, {
      title: 'Algorithm 5 with halving, κ = 2',
      x: { field: 'round' },
      y: { field: 'error', title: '‖A(x − x*)‖ / ‖b‖', scale: 'log' },
      series: 'curve',
      facet: 'shape',
    }),
});
