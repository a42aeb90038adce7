import { randomProblem, solve } from '@ockham/feature-subsample';
import { claim, experiment, inEveryRow, type Row } from '@ockham/reproduce';

interface Config {
  readonly size: readonly [number, number];
  readonly alphas: readonly number[];
  readonly localSteps: readonly number[];
  readonly conditions: readonly number[];
  readonly workers: readonly number[];
  readonly rounds: number;
}

interface PhaseRow extends Row {
  readonly alpha: number;
  readonly localSteps: number;
  readonly condition: number;
  readonly workers: number;
  /** log10 ‖A(x − x*)‖/‖b‖ after the last round, within ±3. */
  readonly digits: number;
}

export default experiment<Config, PhaseRow, never>({
  id: 'feature-subsample/phase-diagram',
  paper: 'Section 5, open: how α, T, κ and L interact in Algorithm 5',
  datasets: [],
  scales: {
    smoke: {
      seeds: 1,
      config: {
        size: [20, 30],
        alphas: [0.3, 0.8],
        localSteps: [1, 4],
        conditions: [2],
        workers: [2, 8],
        rounds: 50,
      },
    },
    standard: {
      seeds: 2,
      config: {
        size: [40, 60],
        alphas: [0.2, 0.4, 0.6, 0.8, 1],
        localSteps: [1, 2, 4, 8],
        conditions: [2, 10],
        workers: [2, 8],
        rounds: 100,
      },
    },
    paper: {
      seeds: 5,
      config: {
        size: [40, 60],
        alphas: [0.2, 0.4, 0.6, 0.8, 1],
        localSteps: [1, 2, 4, 8, 16],
        conditions: [2, 10, 50],
        workers: [1, 4, 16],
        rounds: 150,
      },
    },
  },
  why: {
    size: 'small, for many cells',
    alphas: 'all of (0, 1]',
    localSteps: 'powers of two',
    conditions: 'easy to hard',
    workers: 'powers of four',
    rounds: 'where cells are settled',
  },
  differences: ['η = α²/(2σ²) throughout, β = 1.'],
  async run({ config, seed, signal }) {
    const rows: PhaseRow[] = [];
    for (const condition of config.conditions) {
      const { A, b, optimum } = randomProblem(...config.size, { seed, condition });
      for (const workers of config.workers) {
        for (const alpha of config.alphas) {
          for (const localSteps of config.localSteps) {
            const { rounds } = config;
            const r = await solve(A, b, {
              method: 'consensus',
              alpha,
              localSteps,
              workers,
              seed,
              optimum,
              rounds,
              recordEvery: rounds,
              guard: 'off',
              signal,
            });
            const { distance } = r.history.at(-1)!;
            const digits = distance! < 1e3 ? Math.max(-3, Math.log10(distance!)) : 3;
            rows.push({ seed, condition, workers, alpha, localSteps, digits });
          }
        }
      }
    }
    return rows;
  },
  claims: [
    claim('with every feature seen, no run diverges', {
      paper: 'not said',
      measure: (rows) =>
        inEveryRow(
          rows.filter((row) => row.alpha === 1),
          (row) => row.digits < 0,
        ),
    }),
  ],
  plot: (rows) => ({
    data: { values: rows },
    mark: 'rect',
    encoding: {
      x: { field: 'alpha', type: 'ordinal', title: 'α' },
      y: { field: 'localSteps', type: 'ordinal', title: 'T' },
      column: { field: 'workers', type: 'ordinal', title: 'L' },
      row: { field: 'condition', type: 'ordinal', title: 'κ' },
      color: { aggregate: 'mean', field: 'digits', type: 'quantitative', title: 'log10 error' },
    },
    width: 110,
    height: 90,
  }),
});
