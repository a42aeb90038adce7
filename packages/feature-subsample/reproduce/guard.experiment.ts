import { guard, solve } from '@ockham/feature-subsample';
import { claim, experiment, inEveryRow, meanAtLeast, pointsOfRows, type Row } from '@ockham/reproduce';
import { randomCase } from './random-cases.ts';

interface Config {
  readonly problems: number;
  readonly rounds: number;
}

interface GuardRow extends Row {
  readonly problem: number;
  readonly method: string;
  readonly safe: number;
  readonly diverged: number;
  readonly right: number;
  /** What was foreseen and what came, ln of the growth of the error, within ±30. */
  readonly foreseen: number;
  readonly came: number;
}

const within = (value: number): number => Math.max(-30, Math.min(30, Number.isNaN(value) ? 30 : value));

export default experiment<Config, GuardRow, never>({
  id: 'feature-subsample/guard',
  paper: 'Divergence, which the paper meets by trial: foreseen by the guard',
  datasets: [],
  scales: {
    smoke: { seeds: 1, config: { problems: 20, rounds: 100 } },
    standard: { seeds: 2, config: { problems: 50, rounds: 200 } },
    paper: { seeds: 10, config: { problems: 100, rounds: 200 } },
  },
  why: { problems: 'of each seed; 1,000 at paper scale', rounds: 'twice the guard’s trial' },
  differences: [
    'Not in the paper. A run diverged if its error ends above ten times where it began; the trial uses other masks than the run.',
  ],
  async run({ config, seed, progress, signal }) {
    const rows: GuardRow[] = [];
    for (let i = 0; i < config.problems; i++) {
      progress({ stage: 'problems', done: i, total: config.problems });
      const { problem, options } = randomCase(1000 * seed + i, config.rounds);
      const { safe, logGrowth } = await guard(problem.A, problem.b, options);
      const { history } = await solve(problem.A, problem.b, { ...options, guard: 'off', signal });
      const growth = history.at(-1)!.distance! / history[0]!.distance!;
      const diverged = !(growth < 10);
      rows.push({
        seed,
        problem: i,
        method: options.method,
        safe: Number(safe),
        diverged: Number(diverged),
        right: Number(safe !== diverged),
        foreseen: within(logGrowth),
        came: within(Math.log(growth)),
      });
    }
    return rows;
  },
  claims: [
    claim('the guard is right in 99 % of the problems', {
      paper: 'our bar',
      measure: (rows) => meanAtLeast(rows, (row) => row.right, 0.99),
    }),
    claim('the guard never calls a run safe that diverges', {
      paper: 'our bar',
      measure: (rows) => inEveryRow(rows, (row) => !(row.safe === 1 && row.diverged === 1)),
    }),
  ],
  plot: (rows) =>
    pointsOfRows(rows, {
      title: 'Growth of the error, foreseen and found',
      x: { field: 'foreseen', title: 'ln, foreseen' },
      y: { field: 'came', title: 'ln, found' },
      series: 'method',
    }),
});
