import { Random } from '@ockham/core/random';
import {
  automaticShift,
  hydrogen,
  lbfgs,
  lowestLevels,
  minimize,
  realAmplitudes,
  Simulator,
} from '@ockham/quantum-game';
import { claim, experiment, inEveryRow, lineOverSeeds, type Row } from '@ockham/reproduce';

interface Config {
  readonly epsilons: readonly number[];
}

interface ChildRow extends Row {
  /** Angle between the parent and the true ground state, in radians. */
  readonly epsilon: number;
  /** Energy of the child above the first excited level, in absolute value, hartree. */
  readonly error: number;
  readonly kind: 'measured' | 'gap · ε²';
}

export default experiment<Config, ChildRow, never>({
  id: 'quantum-game/child-error',
  paper: 'Section 2: does a game accumulate less error than deflation?',
  datasets: [],
  scales: {
    smoke: { seeds: 1, config: { epsilons: [0.1, 0.03] } },
    standard: { seeds: 3, config: { epsilons: [0.1, 0.03, 0.01, 0.003] } },
    paper: { seeds: 10, config: { epsilons: [0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.003, 0.001] } },
  },
  why: { epsilons: 'parents off by 0.1 down to where the error meets that of the optimiser' },
  differences: [
    'The paper prints no figure; the parent is turned towards the first excited state, and then kept.',
  ],
  run({ config, seed }) {
    const exact = lowestLevels(hydrogen(), 2);
    const [low, next] = exact.vectors as [Float64Array, Float64Array];
    const gap = exact.values[1]! - exact.values[0]!;
    const shifted = hydrogen().shifted(-automaticShift(hydrogen()));
    const circuit = realAmplitudes(2);
    const simulator = new Simulator(circuit);
    const random = new Random(seed);
    const start = Float64Array.from({ length: circuit.parameters }, () => random.uniform(-Math.PI, Math.PI));
    return config.epsilons.flatMap((epsilon): ChildRow[] => {
      // the parent's state and H times it, both known in the basis of levels
      const [a, b] = [Math.cos(epsilon), Math.sin(epsilon)];
      const shift = automaticShift(hydrogen());
      const [e0, e1] = [exact.values[0]! - shift, exact.values[1]! - shift];
      const state = low.map((value, i) => a * e0 * value + b * e1 * next[i]!);
      const projectors = [{ state, weight: -1 / (a * a * e0 + b * b * e1) }];
      const minimum = minimize(
        {
          size: circuit.parameters,
          value: (x) => simulator.evaluate(x, shifted, undefined, { projectors }).value,
          gradient: (x, into) => simulator.evaluate(x, shifted, into, { projectors }).value,
        },
        start,
        lbfgs({ gradientTolerance: 1e-9 }),
      );
      const error = Math.abs(simulator.energy(minimum.x, hydrogen()) - exact.values[1]!);
      return [
        { seed, epsilon, error, kind: 'measured' },
        { seed, epsilon, error: gap * epsilon ** 2, kind: 'gap · ε²' },
      ];
    });
  },
  claims: [
    claim('the child’s error is gap · ε², to 20 %', {
      paper: 'deflation accumulates errors; nothing is said of their size',
      decidedFrom: 'standard',
      measure: (rows) =>
        inEveryRow(
          rows.filter((row) => row.kind === 'measured'),
          (row) => {
            const expected = rows.find((r) => r.kind !== 'measured' && r.epsilon === row.epsilon)!.error;
            return Math.abs(row.error / expected - 1) < 0.2;
          },
        ),
    }),
  ],
  plot: (rows) =>
    lineOverSeeds(rows, {
      title: 'H2: error of the first excited level from its parent’s',
      x: { field: 'epsilon', title: 'parent’s angle to the ground state', scale: 'log' },
      y: { field: 'error', title: 'error of the child, hartree', scale: 'log' },
      series: 'kind',
    }),
});
