import * as Plot from '@observablehq/plot';
import { Chart } from '../page/chart.ts';
import { choice, labelled } from '../page/element.ts';
import type { ExhibitPlan } from '../page/exhibit.ts';
import { Figures } from '../page/figures.ts';
import { axes } from '../page/plot-style.ts';
import { whole } from '../page/words.ts';
import type { HydrogenCommand, HydrogenReport } from './messages.ts';

/** Milliseconds between two rounds, for the eye. */
const PAUSE = 120;
const COLOURS = ['var(--one)', 'var(--two)', 'var(--three)', 'var(--four)'];
const NAMES = ['ground state', 'first excited', 'second excited', 'third excited'];

type Round = Extract<HydrogenReport, { kind: 'round' }>;
interface Point {
  readonly round: number;
  readonly level: number;
  readonly energy: number;
}

/** All levels of H2, each a player of one game. */
export const hydrogenExhibit: ExhibitPlan<HydrogenCommand, HydrogenReport> = {
  name: 'hydrogen',
  title: 'Find the states of hydrogen',
  short: 'Hydrogen',
  method: '@ockham/quantum-game',
  lead: 'Four players share a molecule of H2. Each turns the angles of a quantum circuit, lowers its own energy and keeps off the players below: what they settle on are the ground state and the excited states.',
  about:
    'simulates the circuit exactly, two qubits and eight angles. H2 stands at 0.735 Å, in the basis STO-3G; energies hold the repulsion of the nuclei. The exact levels are eigenvalues, found by another method. Rounds are slowed down for the eye.',
  seed: 7,
  open: (stage) => {
    let exact: readonly number[] = [];
    const rounds: Round[] = [];
    let verdict: Extract<HydrogenReport, { kind: 'verdict' }> | undefined;

    const optimizer = choice({ lbfgs: 'L-BFGS', adam: 'Adam' }, 'lbfgs');
    stage.controls.append(labelled('Optimiser of the players', optimizer));
    const figures = new Figures({
      round: 'Round',
      error: 'Largest error',
      certificate: 'Certificate',
      time: 'Time without pauses',
    });
    const error = (): number | undefined => {
      const last = rounds.at(-1);
      return last && Math.max(...last.energies.map((energy, level) => Math.abs(energy - exact[level]!)));
    };
    const chart = new Chart({
      title: 'Energies of the players, round by round',
      draw: (width) => {
        const points: Point[] = rounds.flatMap(({ round, energies }) =>
          energies.map((energy, level) => ({ round, level, energy })),
        );
        const last = rounds.at(-1);
        const colour = ({ level }: Point): string => COLOURS[level]!;
        return Plot.plot({
          ...axes(width),
          height: 320,
          marginRight: width < 420 ? 56 : 104,
          x: { label: 'round →', domain: [1, Math.max(10, last?.round ?? 0)], ticks: 5, tickFormat: 'd' },
          y: { label: '↑ energy, hartree', domain: [-1.25, 0.75], grid: true },
          marks: [
            Plot.ruleY(exact, { stroke: 'var(--ink)', strokeDasharray: '4 4', strokeOpacity: 0.7 }),
            Plot.text(
              exact.map((energy, level) => ({
                energy,
                name: width < 420 ? `level ${level}` : NAMES[level]!,
              })),
              {
                y: 'energy',
                text: 'name',
                frameAnchor: 'right',
                textAnchor: 'start',
                dx: 8,
                fill: 'currentColor',
              },
            ),
            Plot.line(points, { x: 'round', y: 'energy', z: 'level', stroke: colour, strokeWidth: 2 }),
            Plot.dot(
              points.filter(({ round }) => round === last?.round),
              { x: 'round', y: 'energy', fill: colour, r: 4 },
            ),
          ],
        });
      },
      summary: () => {
        const last = rounds.at(-1);
        if (!last) return 'No round was played yet. Dashed lines will be the exact levels.';
        return `After round ${last.round} the energies are ${last.energies.map((e) => e.toFixed(4)).join(', ')} hartree; the exact ones are ${exact.map((e) => e.toFixed(4)).join(', ')}.`;
      },
      numbers: () => [
        ['round', ...NAMES],
        ['exact', ...exact.map((energy) => energy.toFixed(6))],
        ...rounds.map(({ round, energies }) => [
          whole(round),
          ...energies.map((energy) => energy.toFixed(6)),
        ]),
      ],
    });
    stage.body.append(figures.list, chart.figure);

    const clear = (): void => {
      exact = [];
      rounds.length = 0;
      verdict = undefined;
      figures.clear();
      chart.update();
    };
    return {
      start: () => {
        clear();
        const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
        return stage.run({ seed: stage.seed(), optimizer: optimizer.chosen, pause: still ? 0 : PAUSE });
      },
      hear: (report) => {
        if (report.kind === 'exact') exact = report.energies;
        else if (report.kind === 'round') {
          rounds.push(report);
          stage.show('The players move.');
          figures.set({ round: whole(report.round), error: `${error()!.toExponential(1)}\nhartree` });
        } else {
          verdict = report;
          figures.set({
            certificate: report.passed ? 'passed' : 'in doubt',
            time: `${report.milliseconds.toFixed(0)} ms\n${whole(report.gradients)} gradients`,
          });
        }
        chart.update();
      },
      reset: clear,
      verdict: () =>
        `${verdict?.passed ? 'The players rest, and the certificate passed' : 'The certificate is in doubt'}: the largest error is ${(error() ?? NaN).toExponential(1)} hartree after ${verdict?.rounds} rounds.`,
    };
  },
};
