import { claim, experiment, inEveryRow, lineOverSeeds, meanAtMost, where, type Row } from '@ockham/reproduce';
import { matrix, multiply, svd, type Matrix } from '@ockham/core/linalg/matrices';
import { recover, recoveryProblem, type RecoveryMethod } from '@ockham/lowrank/recovery';

interface Config {
  readonly sizes: {
    readonly samples: number;
    readonly inputs: number;
    readonly outputs: number;
    readonly rank: number;
  };
  /** Decibels; null: no noise. */
  readonly noise: readonly (number | null)[];
}

type Method = Exclude<RecoveryMethod, 'subgradient'>;

interface FigureRow extends Row {
  readonly method: Method;
  readonly noise: string;
  /** Components summed up. */
  readonly k: number;
  /** ‖Ŵ_k − [W*]_k‖ / ‖W*‖: the paper's. */
  readonly error: number;
  /** ‖X(Ŵ_k − W*)‖ / ‖XW*‖. */
  readonly outputError: number;
  /** The same of the best approximation of XW* of rank k. */
  readonly bestOutputError: number;
  readonly rounds: number;
}

const METHODS: readonly Method[] = [
  'direct',
  'gradient-descent',
  'projected-gradient',
  'factorised',
  'scaled',
  'sequential',
  'parallel',
];
const DEFLATION: readonly Method[] = ['sequential', 'parallel'];
const noiseless = 'no noise';
const label = (snr: number | null): string => (snr === null ? noiseless : `${snr} dB`);

export default experiment<Config, FigureRow, never>({
  id: 'lowrank/figure-3',
  paper: 'Figure 3: error of the sum of rank-1 estimates against their number',
  datasets: [],
  scales: {
    smoke: {
      seeds: 1,
      config: { sizes: { samples: 150, inputs: 15, outputs: 15, rank: 4 }, noise: [null, 20] },
    },
    standard: {
      seeds: 3,
      config: { sizes: { samples: 1000, inputs: 100, outputs: 100, rank: 10 }, noise: [null, 20, 3] },
    },
    paper: {
      seeds: 10,
      config: { sizes: { samples: 1000, inputs: 100, outputs: 100, rank: 10 }, noise: [null, 30, 20, 10, 3] },
    },
  },
  why: {
    sizes: 'd = m = 100, r = 10, n = 1000: our bar; the paper gives none',
    noise: 'the paper adds “a little bit”; to half the power of the signal',
  },
  differences: [
    'The paper names no sizes, noise level or step sizes; ours come from the spectrum of XᵀX.',
    'Solvers that do not find components one by one are shown by the leading k singular components of their estimate.',
    'The paper compares with [W*]_k. Rank-1 fits of Y find the components of XW*, which are those of W* only where XᵀX is a multiple of the identity: the error of the outputs beside the best of rank k says whether a solver did its work.',
  ],
  async run({ config, seed, signal }) {
    const rows: FigureRow[] = [];
    for (const snr of config.noise) {
      const problem = recoveryProblem({ seed, ...config.sizes, snr: snr ?? Infinity });
      const { X, truth } = problem;
      const { rank } = config.sizes;
      const clean = multiply(X, truth);
      const tail = svd(clean).s;
      for (const method of METHODS) {
        const { W, factors, rounds } = await recover(problem, { method, rank, seed, signal });
        for (let k = 1; k <= rank; k++) {
          const part =
            factors && DEFLATION.includes(method)
              ? multiply(firstColumns(factors.A, k), firstColumns(factors.B, k), { transposeB: true })
              : truncated(W, k);
          rows.push({
            seed,
            method,
            noise: label(snr),
            k,
            error: distance(part, truncated(truth, k)) / norm(truth),
            outputError: distance(multiply(X, part), clean) / norm(clean),
            bestOutputError: Math.hypot(...tail.subarray(k)) / norm(clean),
            rounds,
          });
        }
      }
    }
    return rows;
  },
  figures: [
    {
      id: 'figure-3',
      title: 'Figure 3: error of the first k components',
      paperClaim:
        'The error of the sum of rank-1 estimates decreases as the number of components approaches the rank of W*.',
      claims: [
        claim('without noise, every solver ends within a relative error of 1e-8 of W*', {
          paper: 'our bar: 1e-8',
          measure: (rows) =>
            inEveryRow(
              where(rows, { noise: noiseless }).filter(({ k }) => k === rankOf(rows)),
              ({ error }) => error <= 1e-8,
            ),
        }),
        claim(
          'without noise, the first k < r sequential components are within 1.05 × of the best fit of XW* of rank k',
          {
            paper: 'our bar: 1.05',
            measure: (rows) =>
              inEveryRow(
                where(rows, { noise: noiseless, method: 'sequential' }).filter(({ k }) => k < rankOf(rows)),
                ({ outputError, bestOutputError }) => outputError <= 1.05 * bestOutputError,
              ),
          },
        ),
        claim('at 20 dB too', {
          paper: 'our bar: 1.05',
          measure: (rows) =>
            inEveryRow(
              where(rows, { noise: '20 dB', method: 'sequential' }).filter(({ k }) => k < rankOf(rows)),
              ({ outputError, bestOutputError }) => outputError <= 1.05 * bestOutputError,
            ),
        }),
        claim('parallel deflation needs at most half of the rounds of sequential', {
          paper: 'our bar: 0.5',
          measure: (rows) =>
            meanAtMost(
              where(rows, { method: 'sequential', k: 1 }).map(({ seed, noise, rounds }) => ({
                seed,
                ratio: where(rows, { method: 'parallel', k: 1, seed, noise })[0]!.rounds / rounds,
              })),
              ({ ratio }) => ratio,
              0.5,
              { digits: 2 },
            ),
        }),
        claim('without noise, the error of the outputs falls with every component', {
          paper: 'the error is decreasing as we approach the rank of W*',
          measure: (rows) => {
            const sequential = where(rows, { noise: noiseless, method: 'sequential' });
            return inEveryRow(sequential, ({ seed, k, outputError }) =>
              sequential.every((row) => row.seed !== seed || row.k >= k || row.outputError > outputError),
            );
          },
        }),
        claim('without noise, the error against the first k components of W* falls from k = 1 to r', {
          paper: 'the error against the rank-k approximation of W* is decreasing',
          measure: (rows) => {
            const sequential = where(rows, { noise: noiseless, method: 'sequential' });
            return inEveryRow(where(sequential, { k: rankOf(rows) }), ({ seed, error }) =>
              sequential.every((row) => row.seed !== seed || row.k === rankOf(rows) || row.error > error),
            );
          },
        }),
      ],
      plot: (rows) =>
        lineOverSeeds(rows, {
          title: 'Figure 3: error of the outputs of the first k components',
          x: { field: 'k', title: 'components k' },
          y: { field: 'outputError', title: '‖X(Ŵₖ − W*)‖ / ‖XW*‖', scale: 'log' },
          series: 'method',
          facet: 'noise',
        }),
    },
    {
      id: 'figure-3-components',
      title: 'Figure 3 as the paper draws it: error against the first k components of W*',
      paperClaim: 'The Frobenius norm of the difference to the rank-k approximation of W* decreases.',
      claims: [],
      plot: (rows) =>
        lineOverSeeds(rows, {
          title: 'Figure 3: error against the first k components of W*',
          x: { field: 'k', title: 'components k' },
          y: { field: 'error', title: '‖Ŵₖ − [W*]ₖ‖ / ‖W*‖', scale: 'log' },
          series: 'method',
          facet: 'noise',
        }),
    },
  ],
});

function rankOf(rows: readonly FigureRow[]): number {
  return Math.max(...rows.map(({ k }) => k));
}

function truncated(a: Matrix, rank: number): Matrix {
  const { u, s, v } = svd(a, { rank });
  const scaled = u.values.map((value, at) => value * s[at % rank]!);
  return multiply(matrix(a.rows, rank, scaled), v, { transposeB: true });
}

function firstColumns({ rows, columns, values }: Matrix, count: number): Matrix {
  return matrix(
    rows,
    count,
    Float64Array.from(
      { length: rows * count },
      (_, at) => values[Math.floor(at / count) * columns + (at % count)]!,
    ),
  );
}

function norm({ values }: Matrix): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

function distance(a: Matrix, b: Matrix): number {
  return norm(
    matrix(
      a.rows,
      a.columns,
      a.values.map((value, at) => value - b.values[at]!),
    ),
  );
}
