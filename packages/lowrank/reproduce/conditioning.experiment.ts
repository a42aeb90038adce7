import { recover, recoveryProblem, type RecoveryMethod } from '@ockham/lowrank/recovery';
import { claim, experiment, lineOverSeeds, meanAtMost, where, type Row } from '@ockham/reproduce';

interface Config {
  readonly sizes: {
    readonly samples: number;
    readonly inputs: number;
    readonly outputs: number;
    readonly rank: number;
  };
  readonly conditions: readonly number[];
  readonly rounds: number;
}

interface ConditionRow extends Row {
  readonly method: RecoveryMethod;
  readonly condition: number;
  /** Until ‖W − W*‖ ≤ 1e-8 ‖W*‖; the limit where that was not reached. */
  readonly rounds: number;
  readonly reached: boolean;
}

const METHODS: readonly RecoveryMethod[] = ['projected-gradient', 'factorised', 'scaled'];

export default experiment<Config, ConditionRow, never>({
  id: 'lowrank/conditioning',
  paper: 'Section 3.2, beyond the paper: rounds of factorised descent against the condition number of W*',
  datasets: [],
  scales: {
    smoke: {
      seeds: 1,
      config: {
        sizes: { samples: 150, inputs: 15, outputs: 15, rank: 4 },
        conditions: [1, 100],
        rounds: 1_000,
      },
    },
    standard: {
      seeds: 2,
      config: {
        sizes: { samples: 1000, inputs: 100, outputs: 100, rank: 10 },
        conditions: [1, 10, 100],
        rounds: 2_000,
      },
    },
    paper: {
      seeds: 5,
      config: {
        sizes: { samples: 1000, inputs: 100, outputs: 100, rank: 10 },
        conditions: [1, 3, 10, 30, 100, 1000],
        rounds: 20_000,
      },
    },
  },
  why: {
    sizes: 'd = m = 100, r = 10, n = 1000: our bar',
    conditions: 'σ₁/σ_r; the singular values fall by a constant factor from 1 to 1/κ',
    rounds: 'limit, for plain descent at large κ',
  },
  differences: ['The paper has neither the preconditioned method nor a sweep of κ.'],
  async run({ config, seed, signal }) {
    const rows: ConditionRow[] = [];
    for (const condition of config.conditions) {
      const { rank } = config.sizes;
      const spectrum = (i: number): number => condition ** (-(i - 1) / (rank - 1));
      const problem = recoveryProblem({ seed, ...config.sizes, spectrum });
      for (const method of METHODS) {
        const { history } = await recover(problem, {
          method,
          rank,
          seed,
          signal,
          recordEvery: 1,
          rounds: config.rounds,
        });
        const first = history.find(({ error }) => error! <= 1e-8);
        rows.push({
          seed,
          method,
          condition,
          rounds: first?.round ?? config.rounds,
          reached: first !== undefined,
        });
      }
    }
    return rows;
  },
  claims: [
    claim('scaled factorised descent needs at κ = 100 at most 1.5 × the rounds that it needs at κ = 1', {
      paper: 'our bar: 1.5',
      measure: (rows) =>
        meanAtMost(
          where(rows, { method: 'scaled', condition: 100 }).map(({ seed, rounds }) => ({
            seed,
            ratio: rounds / where(rows, { method: 'scaled', condition: 1, seed })[0]!.rounds,
          })),
          ({ ratio }) => ratio,
          1.5,
          { digits: 2 },
        ),
    }),
  ],
  plot: (rows) =>
    lineOverSeeds(rows, {
      title: 'Rounds to a relative error of 1e-8',
      x: { field: 'condition', title: 'κ = σ₁/σᵣ of W*', scale: 'log' },
      y: { field: 'rounds', title: 'rounds', scale: 'log' },
      series: 'method',
    }),
});
