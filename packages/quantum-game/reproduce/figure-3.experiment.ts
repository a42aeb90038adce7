import { hardwareEfficient, hydrogen, quantumGame, slsqp, vqd, type Penalty } from '@ockham/quantum-game';
import {
  barsOverSeeds,
  claim,
  compareOverSeeds,
  experiment,
  lineOverSeeds,
  overSeeds,
  where,
  type Finding,
  type Row,
} from '@ockham/reproduce';
import { median, sharedStart, worstError } from './hydrogen.ts';

interface Config {
  readonly starts: number;
  readonly betas: readonly number[];
}

interface Figure3Row extends Row {
  readonly method: string;
  /** `summary`: the median over the starts; `curve`: the share of starts that are done by `calls`. */
  readonly kind: 'summary' | 'curve';
  readonly calls: number;
  readonly share: number;
  /** Share of starts with every level within 1e-6 hartree. */
  readonly precise: number;
}

const LEVELS = 3;
const GAME = 'QuantumGame';

export default experiment<Config, Figure3Row, never>({
  id: 'quantum-game/figure-3',
  paper: 'Figure 3: convergence of QuantumGame and VQD against calls of the objective',
  datasets: [],
  scales: {
    smoke: { seeds: 2, config: { starts: 10, betas: [33] } },
    standard: { seeds: 5, config: { starts: 40, betas: [3, 10, 33] } },
    paper: { seeds: 5, config: { starts: 200, betas: [1, 3, 5, 10, 33, 100] } },
  },
  why: {
    starts: 'starts of each seed; 1,000 in all at paper scale, where the paper has one',
    betas: 'weights of VQD’s penalty; 33 is the one that gives the paper’s figures',
  },
  differences: [
    'The paper names neither the circuit beyond “linear entanglement, 8 parameters” nor VQD’s weight; RY-RZ layers around one CZ and β = 33 come closest to its 392 against 647 calls.',
    'Many random starts, one shared by all levels and methods, instead of one run.',
    'H2 at 0.735 Å in STO-3G, electronic energy, shift 0 as printed; neither restarts nor probes, as in the paper. A start is done within 1.6 mHa.',
  ],
  async run({ config, seed, once, progress }) {
    const rows: Figure3Row[] = [];
    const ansatz = hardwareEfficient(2);
    const methods: [string, Penalty | undefined][] = [
      [GAME, undefined],
      ['VQD, β = −E', 'energy'],
      ['VQD, β = 10 Σ|c|', 'coefficients'],
      ['VQD, β = 2 (Emax − E)', 'spread'],
      ...config.betas.map((beta): [string, Penalty] => [`VQD, β = ${beta}`, beta]),
    ];
    for (const [m, [method, penalty]] of methods.entries()) {
      progress({ stage: method, done: m, total: methods.length });
      rows.push(...(await once(`method-${m}`, () => runMethod(method, penalty))));
    }
    return rows;

    function runMethod(method: string, penalty: Penalty | undefined): Figure3Row[] {
      const runs = Array.from({ length: config.starts }, (_, s) => {
        const options = {
          seed,
          optimizer: slsqp(),
          gradient: 'finite-differences',
          restarts: 0,
          probes: 0,
          starts: sharedStart(seed, s, ansatz.parameters, LEVELS),
        } as const;
        const found =
          penalty === undefined
            ? quantumGame(hydrogen(), ansatz, LEVELS, { ...options, shift: 0 })
            : vqd(hydrogen(), ansatz, LEVELS, { ...options, penalty });
        return { calls: found.ledger.valueCalls, error: worstError(found) };
      });
      const shareOf = (holds: (run: (typeof runs)[number]) => boolean): number =>
        runs.filter(holds).length / runs.length;
      const precise = shareOf(({ error }) => error < 1e-6);
      const summary = {
        kind: 'summary',
        calls: median(runs.map(({ calls }) => calls)),
        share: shareOf(({ error }) => error < 1.6e-3),
      } as const;
      const curve = Array.from({ length: 41 }, (_, i) => 25 * i).map((calls) => ({
        kind: 'curve' as const,
        calls,
        share: shareOf((run) => run.error < 1.6e-3 && run.calls <= calls),
      }));
      return [summary, ...curve].map((row) => ({ seed, method, precise, ...row }));
    }
  },
  figures: [
    {
      id: 'figure-3',
      title: 'Three levels of H2: starts that are done against calls of the objective',
      paperClaim: 'QuantumGame converges in 392 calls, VQD in 647.',
      claims: [
        claim('QuantumGame takes 425 calls in this set-up, to 5 %', {
          paper: '392 calls, of one run',
          measure: (rows) => about(where(rows, { method: GAME, kind: 'summary' }), 425, 0.05),
          decidedFrom: 'paper',
        }),
        claim('VQD with β = 33 takes 645 calls, to 5 %', {
          paper: '647 calls, of one run',
          measure: (rows) => about(where(rows, { method: 'VQD, β = 33', kind: 'summary' }), 645, 0.05),
          decidedFrom: 'paper',
        }),
        claim('QuantumGame needs fewer calls than VQD with β = 33', {
          paper: '392 against 647 calls',
          measure: (rows) =>
            compareOverSeeds(
              where(rows, { method: GAME, kind: 'summary' }),
              where(rows, { method: 'VQD, β = 33', kind: 'summary' }),
              (r) => r.calls,
              { names: ['QuantumGame', 'VQD'], better: 'lower', unit: 'calls' },
            ),
        }),
        claim('VQD with β = −E needs the same calls as the printed QuantumGame, to 2 %', {
          paper: 'not said; eq. 8 with exact parents is eq. 3 with β = −E',
          measure: (rows) => {
            const calls = (method: string) =>
              overSeeds(where(rows, { method, kind: 'summary' }), (r) => r.calls).mean;
            const ratio = calls('VQD, β = −E') / calls(GAME);
            return {
              holds: Number.isFinite(ratio) ? Math.abs(ratio - 1) <= 0.02 : null,
              ours: `ratio of calls ${ratio.toFixed(3)}`,
              values: { ratio },
            };
          },
          decidedFrom: 'paper',
        }),
      ],
      plot: (rows) =>
        lineOverSeeds(where(rows, { kind: 'curve' }), {
          title: 'H2, three levels, SLSQP with finite differences',
          x: { field: 'calls', title: 'calls of the objective' },
          y: { field: 'share', title: 'starts done, within 1.6 mHa', format: '.0%' },
          series: 'method',
        }),
    },
    {
      id: 'figure-3-penalties',
      title: 'Three levels of H2: calls by the weight of VQD’s penalty',
      paperClaim: 'Nothing is said of the weight of VQD’s penalty, on which its calls depend.',
      claims: [
        claim('no weight of VQD needs fewer calls than QuantumGame, to 2 %', {
          paper: 'not said',
          measure: (rows) => {
            const summaries = where(rows, { kind: 'summary' });
            const calls = (method: string) => overSeeds(where(summaries, { method }), (r) => r.calls).mean;
            const others = [...new Set(summaries.map(({ method }) => method))].filter(
              (name) => name !== GAME,
            );
            const best = others.reduce(
              (least, name) => (calls(name) < calls(least) ? name : least),
              others[0]!,
            );
            const ratio = calls(best) / calls(GAME);
            return {
              holds: Number.isFinite(ratio) ? ratio >= 0.98 : null,
              ours: `${best}: ${calls(best).toFixed(0)} calls, QuantumGame ${calls(GAME).toFixed(0)}`,
              values: { ratio },
            };
          },
          decidedFrom: 'paper',
        }),
      ],
      plot: (rows) =>
        barsOverSeeds(
          // short enough for one line below a bar
          where(rows, { kind: 'summary' }).map((row) => ({
            ...row,
            label: row.method
              .replace('VQD, ', '')
              .replace('10 Σ', '10Σ')
              .replace(' = 2 (Emax − E)', '=2(Emax−E)'),
          })),
          {
            title: 'H2, three levels: calls, median over the starts',
            x: { field: 'label', title: 'QuantumGame, and VQD by weight' },
            y: { field: 'calls', title: 'calls of the objective' },
            series: 'label',
          },
        ),
    },
  ],
});

function about(rows: readonly Figure3Row[], expected: number, share: number): Finding {
  const { mean, sd, n } = overSeeds(rows, (row) => row.calls);
  return {
    holds: n === 0 ? null : Math.abs(mean / expected - 1) <= share,
    ours: `${mean.toFixed(0)} ± ${sd.toFixed(0)} calls (n = ${n})`,
    values: { mean, sd, n },
  };
}
