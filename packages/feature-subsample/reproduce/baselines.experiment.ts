import { randomProblem, solve, type SolveOptions } from '@ockham/feature-subsample';
import { claim, compareOverSeeds, experiment, lineOverSeeds, where, type Row } from '@ockham/reproduce';

interface Config {
  readonly shapes: readonly (readonly [number, number])[];
  readonly megabytes: number;
}

interface BaselineRow extends Row {
  readonly shape: string;
  readonly method: string;
  readonly megabytes: number;
  readonly error: number;
  readonly digits: number;
  readonly last: boolean;
}

const runs: Readonly<Record<string, SolveOptions>> = {
  'control variate': { method: 'control-variate', snapshotEvery: 5, acceleration: 'nesterov' },
  consensus: { method: 'consensus', halveEvery: 40 },
  FedDR: { method: 'feddr', localSteps: 5 },
  FedAvg: { method: 'fedavg', localSteps: 5 },
  FedProx: { method: 'fedprox', localSteps: 5 },
  FedPD: { method: 'fedpd', localSteps: 5 },
  FedSplit: { method: 'fedsplit', localSteps: 5 },
  SCAFFOLD: { method: 'scaffold', localSteps: 5 },
  'full gradient': { method: 'gd' },
  CG: { method: 'cg' },
};

export default experiment<Config, BaselineRow, never>({
  id: 'feature-subsample/baselines',
  paper: 'Section 5: other federated methods, same problem, same bytes',
  datasets: [],
  scales: {
    smoke: {
      seeds: 2,
      config: {
        shapes: [
          [20, 50],
          [50, 20],
        ],
        megabytes: 0.5,
      },
    },
    standard: {
      seeds: 2,
      config: {
        shapes: [
          [200, 500],
          [500, 200],
        ],
        megabytes: 4,
      },
    },
    paper: {
      seeds: 10,
      config: {
        shapes: [
          [200, 500],
          [500, 200],
        ],
        megabytes: 16,
      },
    },
  },
  why: { shapes: 'those of the figures', megabytes: '200 rounds of 10 workers with d = 500 both ways' },
  differences: [
    'The paper names FedProx, FedPD and FedSplit and runs none of them. κ = 2, L = 10, α = 0.8; the baselines split rows, T = 5.',
    'The control variate has its exact gradients from the coordinator, who holds A, without an upload; the baselines pay for every gradient.',
  ],
  async run({ config, seed, signal }) {
    const rows: BaselineRow[] = [];
    for (const [n, d] of config.shapes) {
      const { A, b, optimum } = randomProblem(n, d, { seed, condition: 2, noise: 0.1 });
      for (const [method, options] of Object.entries(runs)) {
        const r = await solve(A, b, {
          seed,
          optimum,
          tolerance: 1e-12,
          alpha: 0.8,
          guard: 'off',
          signal,
          rounds: Math.floor((config.megabytes * 1e6) / (10 * 2 * 8 * d * 0.5)),
          recordEvery: 10,
          ...options,
        });
        const within = r.history.filter(({ bytes }) => bytes <= config.megabytes * 1e6);
        within.forEach(({ bytes, distance }, at) => {
          const error = Math.min(10, distance!);
          rows.push({
            seed,
            shape: `${n} × ${d}`,
            method,
            megabytes: bytes / 1e6,
            error,
            digits: Math.log10(Math.max(1e-13, error)),
            last: at === within.length - 1,
          });
        });
      }
    }
    return rows;
  },
  claims: [
    ...['FedAvg', 'FedProx', 'FedPD', 'FedSplit', 'SCAFFOLD'].map((method) =>
      claim<BaselineRow>(`the control variate ends below ${method} with the same bytes`, {
        paper: 'not measured',
        measure: (rows) => {
          const ends = rows.filter(({ last }) => last);
          return compareOverSeeds(
            where(ends, { method: 'control variate' }),
            where(ends, { method }),
            (row) => -row.digits,
            { names: ['control variate', method], unit: 'digits' },
          );
        },
      }),
    ),
  ],
  plot: (rows) =>
    lineOverSeeds(rows, {
      title: 'Error against bytes, κ = 2',
      x: { field: 'megabytes', title: 'megabytes of 10 workers' },
      y: { field: 'digits', title: 'log10 ‖A(x − x*)‖ / ‖b‖' },
      series: 'method',
      facet: 'shape',
    }),
});
