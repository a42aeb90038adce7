import { randomProblem, solve, type SolveOptions } from '@ockham/feature-subsample';
import { barsOverSeeds, claim, experiment, inEveryRow, type Row } from '@ockham/reproduce';

interface Config {
  readonly shapes: readonly (readonly [number, number])[];
  readonly rounds: number;
  readonly localSteps: number;
}

interface SchemeRow extends Row {
  readonly shape: string;
  readonly scheme: string;
  /** ‖A(x − x*)‖/‖b‖ after the last round, at most 10. */
  readonly error: number;
  readonly complexRoots: number;
}

const schemes: Readonly<Record<string, SolveOptions>> = {
  constant: { steps: 'constant' },
  'line search': { steps: 'line-search' },
  'line search, printed': { steps: 'line-search', form: 'printed' },
  'polynomial roots': { steps: 'polynomial' },
  'polynomial, printed': { steps: 'polynomial', form: 'printed' },
  'Chebyshev steps': { steps: 'chebyshev' },
};

export default experiment<Config, SchemeRow, never>({
  id: 'feature-subsample/failed-schemes',
  paper: 'Section 4: the two adaptive step sizes on Algorithm 3',
  datasets: [],
  scales: {
    smoke: {
      seeds: 2,
      config: {
        shapes: [
          [20, 50],
          [50, 20],
        ],
        rounds: 60,
        localSteps: 4,
      },
    },
    standard: {
      seeds: 2,
      config: {
        shapes: [
          [200, 500],
          [500, 200],
        ],
        rounds: 100,
        localSteps: 4,
      },
    },
    paper: {
      seeds: 10,
      config: {
        shapes: [
          [200, 500],
          [500, 200],
        ],
        rounds: 200,
        localSteps: 4,
      },
    },
  },
  why: {
    shapes: 'those of the figures',
    rounds: 'curves are flat by then',
    localSteps: 'the least with four roots, two of them not real',
  },
  differences: [
    'κ = 2, α = 0.8, L = 10. As printed: the squared loss in place of the squared gradient, real parts of complex roots, and 1/σ for η.',
  ],
  async run({ config, seed, signal }) {
    const rows: SchemeRow[] = [];
    for (const [n, d] of config.shapes) {
      const { A, b, optimum } = randomProblem(n, d, { seed, condition: 2 });
      for (const [scheme, options] of Object.entries(schemes)) {
        const { rounds, localSteps } = config;
        const r = await solve(A, b, {
          method: 'masked',
          alpha: 0.8,
          localSteps,
          rounds,
          recordEvery: rounds,
          seed,
          optimum,
          guard: 'off',
          signal,
          ...options,
        });
        const { distance } = r.history.at(-1)!;
        rows.push({
          seed,
          shape: `${n} × ${d}`,
          scheme,
          error: distance! < 10 ? distance! : 10,
          complexRoots: r.complexRoots,
        });
      }
    }
    return rows;
  },
  claims: [
    claim('line search and polynomial roots stay above 0.05 or diverge', {
      paper: 'around 0.1 error, or diverging',
      measure: (rows) =>
        inEveryRow(
          rows.filter(({ scheme }) => /search|polynomial/.test(scheme)),
          ({ error }) => error > 0.05,
        ),
    }),
    claim('the second scheme has complex roots', {
      paper: 'frequently',
      measure: (rows) =>
        inEveryRow(
          rows.filter(({ scheme }) => scheme.startsWith('polynomial')),
          ({ complexRoots }) => complexRoots > 0,
        ),
    }),
  ],
  plot: (rows) =>
    barsOverSeeds(rows, {
      title: 'Error after the last round, κ = 2, α = 0.8, T = 4',
      x: { field: 'scheme' },
      y: { field: 'error', title: '‖A(x − x*)‖ / ‖b‖' },
      series: 'shape',
    }),
});
