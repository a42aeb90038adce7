import { randomProblem, solve } from '@ockham/feature-subsample';
import {
  claim,
  differenceAtLeast,
  experiment,
  lineOverSeeds,
  meanAtMost,
  where,
  type Row,
} from '@ockham/reproduce';

interface Config {
  readonly shapes: readonly (readonly [number, number])[];
  readonly conditions: readonly number[];
  readonly alphas: readonly number[];
  readonly localSteps: readonly number[];
  readonly rounds: number;
}

interface FigureRow extends Row {
  readonly shape: string;
  readonly condition: number;
  readonly alpha: number;
  readonly localSteps: number;
  readonly curve: string;
  readonly round: number;
  /** ‖A(x − x*)‖/‖b‖, at most 10: a run that diverges is drawn at the edge. */
  readonly error: number;
  readonly last: boolean;
}

const shapes = [
  [200, 500],
  [500, 200],
] as const;

export default experiment<Config, FigureRow, never>({
  id: 'feature-subsample/figures-1-2',
  paper: 'Figures 1 and 2: Algorithm 5 against κ, α and T',
  datasets: [],
  scales: {
    smoke: {
      seeds: 2,
      config: {
        shapes: [
          [20, 50],
          [50, 20],
        ],
        conditions: [2],
        alphas: [0.8],
        localSteps: [1, 4],
        rounds: 60,
      },
    },
    standard: {
      seeds: 2,
      config: { shapes, conditions: [2, 10], alphas: [0.8], localSteps: [1, 4], rounds: 150 },
    },
    paper: {
      seeds: 10,
      config: {
        shapes,
        conditions: [2, 10, 100],
        alphas: [0.3, 0.5, 0.8],
        localSteps: [1, 2, 5, 10],
        rounds: 200,
      },
    },
  },
  why: {
    shapes: 'those of the two figures',
    conditions: 'the paper varies κ without naming its values',
    alphas: 'likewise for α',
    localSteps: 'likewise for T',
    rounds: 'where curves at κ = 2 are flat',
  },
  differences: [
    'η = α²/(2σ²) instead of 1/(2σ): the gradient is σ²-Lipschitz, and the local Hessian carries 1/α².',
    'L = 10 workers and β = 1, which the paper does not name; singular values evenly spread over [1/κ, 1], b = A x*.',
  ],
  async run({ config, seed, progress, signal }) {
    const rows: FigureRow[] = [];
    for (const [n, d] of config.shapes) {
      for (const condition of config.conditions) {
        const { A, b, optimum } = randomProblem(n, d, { seed, condition });
        for (const alpha of config.alphas) {
          for (const localSteps of config.localSteps) {
            progress({ stage: `${n}×${d}, κ ${condition}, α ${alpha}, T ${localSteps}`, done: 0, total: 1 });
            const recordEvery = config.rounds / 10;
            const r = await solve(A, b, {
              method: 'consensus',
              alpha,
              localSteps,
              seed,
              optimum,
              rounds: config.rounds,
              recordEvery,
              guard: 'off',
              signal,
            });
            for (const { round, distance } of r.history) {
              rows.push({
                seed,
                shape: `${n} × ${d}`,
                condition,
                alpha,
                localSteps,
                curve: `α ${alpha}, T ${localSteps}`,
                round,
                error: distance! < 10 ? distance! : 10,
                last: round === r.history.at(-1)!.round,
              });
            }
          }
        }
      }
    }
    return rows;
  },
  figures: shapes.map(([n, d], index) => {
    const of = (rows: readonly FigureRow[]): FigureRow[] =>
      rows.filter(({ shape }) => Number(shape.split(' ')[0]) < Number(shape.split(' ')[2]) === n < d);
    return {
      id: `figure-${index + 1}`,
      title: `Algorithm 5, n = ${n}, d = ${d}`,
      paperClaim: 'Most of the time more local iterations are not beneficial; convergence is somewhat high.',
      claims: [
        claim<FigureRow>('more local steps do not help: T = 1 ends no higher than the largest T', {
          paper: 'most of the time not beneficial',
          measure: (rows) => {
            const ends = of(rows).filter(({ last }) => last);
            const most = Math.max(...ends.map((row) => row.localSteps));
            return differenceAtLeast(
              where(ends, { localSteps: most }),
              where(ends, { localSteps: 1 }),
              (row) => row.error,
              0,
              { names: [`T = ${most}`, 'T = 1'] },
            );
          },
        }),
        claim<FigureRow>('at κ = 2 and α = 0.8 the error of T = 1 ends below 0.1', {
          paper: 'somewhat high',
          measure: (rows) =>
            meanAtMost(
              of(rows).filter(
                (row) => row.last && row.condition === 2 && row.alpha === 0.8 && row.localSteps === 1,
              ),
              (row) => row.error,
              0.1,
            ),
        }),
      ],
      plot: (rows: readonly FigureRow[]) =>
        lineOverSeeds(of(rows), {
          title: `Algorithm 5, n = ${n}, d = ${d}`,
          x: { field: 'round' },
          y: { field: 'error', title: '‖A(x − x*)‖ / ‖b‖', scale: 'log' },
          series: 'curve',
          facet: 'condition',
          facetLabel: 'κ = ',
        }),
    };
  }),
});
