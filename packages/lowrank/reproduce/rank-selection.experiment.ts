import { estimateRank, recoveryProblem } from '@ockham/lowrank/recovery';
import { claim, experiment, lineOverSeeds, where, type Finding, type Row } from '@ockham/reproduce';

interface Config {
  readonly sizes: {
    readonly samples: number;
    readonly inputs: number;
    readonly outputs: number;
    readonly rank: number;
  };
  readonly snr: readonly number[];
  readonly problems: number;
}

interface RankRow extends Row {
  readonly snr: number;
  readonly problem: number;
  readonly found: number;
  readonly right: number;
}

export default experiment<Config, RankRow, never>({
  id: 'lowrank/rank-selection',
  paper: 'Section 3: the rank of W*, which the paper takes as known, found from the data',
  datasets: [],
  scales: {
    smoke: {
      seeds: 1,
      config: { sizes: { samples: 150, inputs: 15, outputs: 15, rank: 4 }, snr: [20, 3, -10], problems: 5 },
    },
    standard: {
      seeds: 2,
      config: {
        sizes: { samples: 1000, inputs: 100, outputs: 100, rank: 10 },
        snr: [20, 3, -3],
        problems: 10,
      },
    },
    paper: {
      seeds: 2,
      config: {
        sizes: { samples: 1000, inputs: 100, outputs: 100, rank: 10 },
        snr: [20, 10, 3, 0, -3, -6, -10],
        problems: 50,
      },
    },
  },
  why: {
    sizes: 'd = m = 100, r = 10, n = 1000: our bar',
    snr: 'from little noise to where components drown',
    problems: 'random problems for each seed: 100 in all at paper scale',
  },
  differences: ['The paper does not choose a rank.'],
  run({ config, seed }) {
    const rows: RankRow[] = [];
    for (let problem = 0; problem < config.problems; problem++) {
      for (const snr of config.snr) {
        const data = recoveryProblem({ seed: seed * config.problems + problem, ...config.sizes, snr });
        const found = estimateRank(data).rank;
        rows.push({ seed, snr, problem, found, right: Number(found === config.sizes.rank) });
      }
    }
    return rows;
  },
  claims: [
    claim('the true rank is found in every problem at 20 dB', {
      paper: 'our bar: 100 of 100',
      measure: (rows) => share(where(rows, { snr: 20 }), 1),
    }),
    claim('and in 95 of 100 at 3 dB', {
      paper: 'our bar: 95 of 100',
      measure: (rows) => share(where(rows, { snr: 3 }), 0.95),
    }),
  ],
  plot: (rows) =>
    lineOverSeeds(
      rows.map((row) => ({ ...row, what: 'rank found' })),
      {
        title: 'Rank found from the data',
        x: { field: 'snr', title: 'signal to noise, dB' },
        y: { field: 'found', title: 'rank' },
        series: 'what',
        rule: {
          value: Math.max(...rows.filter(({ right }) => right).map(({ found }) => found), 1),
          label: 'true rank',
        },
      },
    ),
});

function share(rows: readonly RankRow[], least: number): Finding {
  const right = rows.filter((row) => row.right === 1).length;
  return {
    holds: rows.length === 0 ? null : right >= least * rows.length,
    ours: `${right} of ${rows.length}`,
    values: { right, problems: rows.length },
  };
}
