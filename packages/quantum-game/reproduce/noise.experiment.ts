import { hydrogen, quantumGame, realAmplitudes, spsa, vqd, type ExcitedStates } from '@ockham/quantum-game';
import {
  barsOverSeeds,
  claim,
  compareOverSeeds,
  experiment,
  lineOverSeeds,
  where,
  type Row,
} from '@ockham/reproduce';
import { median, worstError } from './hydrogen.ts';

interface Config {
  readonly starts: number;
  /** Calls of the objective for each level. */
  readonly calls: number;
  readonly shots: readonly number[];
  /** Probabilities of a full depolarisation after a gate on two or more qubits; a tenth of that after the others. */
  readonly depolarising: readonly number[];
  readonly trajectories: number;
}

interface NoiseRow extends Row {
  readonly kind: 'shots' | 'depolarising';
  readonly method: string;
  readonly shots: number;
  readonly depolarising: number;
  /** Median over the starts of the largest error of three levels, hartree: energies of the angles found, exact. */
  readonly error: number;
  /** Mean of the shots that a start took. */
  readonly spent: number;
}

/** Shots for each circuit under depolarisation. */
const SHOTS = 1_000;
const GAME = 'QuantumGame';
const VQD = 'VQD, β = 2 (Emax − E)';

export default experiment<Config, NoiseRow, never>({
  id: 'quantum-game/noise',
  paper: 'Section 2: “more robust” where the objective is noisy? Shots and depolarisation',
  datasets: [],
  scales: {
    smoke: {
      seeds: 1,
      config: { starts: 1, calls: 60, shots: [100], depolarising: [0.02], trajectories: 4 },
    },
    standard: {
      seeds: 2,
      config: { starts: 1, calls: 300, shots: [100, 1_000], depolarising: [0.02], trajectories: 4 },
    },
    paper: {
      seeds: 5,
      config: {
        starts: 3,
        calls: 300,
        shots: [100, 300, 1_000, 3_000],
        depolarising: [0.01, 0.03],
        trajectories: 4,
      },
    },
  },
  why: {
    starts: 'random starts of each seed, the same for both methods',
    calls: 'of SPSA for each level, the same for both methods; two values are a step',
    shots: 'for each circuit, without gate noise',
    depolarising:
      'probability after a gate on two or more qubits, a tenth after one on one qubit; 1,000 shots',
    trajectories: 'random circuits that the shots of a circuit are shared among',
  },
  differences: [
    'The paper says of EigenGame that it “has the potential to be more robust”; it shows no figure.',
    'SPSA with its defaults on RealAmplitudes, H2 with two qubits; both methods have the same calls, but a mixed energy takes more circuits than an overlap: the shots spent are in the rows.',
    'Errors are of the exact energies of the angles found, not of the measured energies, which noise moves up for both.',
  ],
  async run({ config, seed, once, progress }) {
    const { starts, calls, shots, depolarising, trajectories } = config;
    const cases = [
      ...shots.map((count) => ({ kind: 'shots' as const, shots: count, depolarising: 0 })),
      ...depolarising.map((p) => ({ kind: 'depolarising' as const, shots: SHOTS, depolarising: p })),
    ];
    const rows: NoiseRow[] = [];
    for (const condition of cases) {
      for (const [method, solve] of Object.entries({ [GAME]: quantumGame, [VQD]: vqd })) {
        progress({ stage: `${method}, ${condition.kind}`, done: rows.length, total: 2 * cases.length });
        rows.push(
          await once(`${rows.length}`, () => {
            const runs = Array.from({ length: starts }, (_, s): ExcitedStates => {
              const own = 10_000 * (seed + 1) + s;
              const p = condition.depolarising;
              return solve(hydrogen(), realAmplitudes(2), 3, {
                seed: own,
                optimizer: spsa({ seed: own }),
                maxCalls: calls,
                shots: condition.shots,
                ...(p > 0 && { noise: { twoQubit: p, oneQubit: p / 10 }, trajectories }),
              });
            });
            return {
              seed,
              ...condition,
              method,
              error: median(runs.map((run) => worstError(run))),
              spent: runs.reduce((sum, { ledger }) => sum + ledger.shots / starts, 0),
            };
          }),
        );
      }
    }
    return rows;
  },
  figures: [
    {
      id: 'noise-shots',
      title: 'Three levels of H2 from shots',
      paperClaim: 'EigenGame “has the potential to be more robust” to noise in the objective than deflation.',
      claims: [
        claim('QuantumGame errs less than VQD with as many calls and shots a circuit', {
          paper: 'more robust, as a potential',
          decidedFrom: 'paper',
          measure: (rows) => compare(where(rows, { kind: 'shots' })),
        }),
      ],
      plot: (rows) =>
        lineOverSeeds(where(rows, { kind: 'shots' }), {
          title: 'H2, three levels by SPSA: error against shots',
          x: { field: 'shots', title: 'shots of each circuit', scale: 'log' },
          y: { field: 'error', title: 'largest error, hartree', scale: 'log' },
          series: 'method',
        }),
    },
    {
      id: 'noise-depolarising',
      title: 'Three levels of H2 under depolarisation',
      paperClaim: 'The same, with errors of the gates.',
      claims: [
        claim('QuantumGame errs less than VQD under the same depolarisation', {
          paper: 'more robust, as a potential',
          decidedFrom: 'paper',
          measure: (rows) => compare(where(rows, { kind: 'depolarising' }).filter((r) => r.depolarising > 0)),
        }),
      ],
      plot: (rows) =>
        barsOverSeeds(where(rows, { kind: 'depolarising' }), {
          title: 'H2, three levels by SPSA: error under depolarisation',
          x: { field: 'depolarising', title: 'probability after a gate on two qubits' },
          y: { field: 'error', title: 'largest error, hartree' },
          series: 'method',
        }),
    },
  ],
});

function compare(rows: readonly NoiseRow[]): ReturnType<typeof compareOverSeeds> {
  return compareOverSeeds(where(rows, { method: GAME }), where(rows, { method: VQD }), (row) => row.error, {
    names: [GAME, 'VQD'],
    better: 'lower',
    scale: 1_000,
    unit: 'mHa',
  });
}
