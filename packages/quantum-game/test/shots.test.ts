import {
  hydrogen,
  hardwareEfficient,
  lbfgs,
  quantumGame,
  realAmplitudes,
  vqd,
  vqe,
} from '@ockham/quantum-game';
import { Random } from '@ockham/core/random';
import { expect, it } from 'vitest';
import { objectiveOf } from '../src/methods/sequential.ts';
import { levelOf } from '../src/methods/level.ts';
import { measuredObjective } from '../src/methods/measured-objective.ts';
import { Simulator } from '../src/simulator/simulator.ts';
import { multiply } from '../src/hamiltonian/multiply.ts';
import { xGroups } from '../src/hamiltonian/x-groups.ts';

const ansatz = realAmplitudes(2);

it('a measured objective and its gradient have the exact ones as their means', () => {
  const sum = hydrogen();
  const circuit = hardwareEfficient(2);
  const simulator = new Simulator(circuit);
  const random = new Random(4);
  const angles = () => Float64Array.from({ length: 8 }, () => random.uniform(-3, 3));
  const parent = angles();
  const level = levelOf(sum, parent, simulator.run(parent).slice());
  const x = angles();
  const product = new Float64Array(8);
  multiply(xGroups(sum), level.state, product);
  for (const kind of ['overlap', 'mixed'] as const) {
    const projectors = [{ state: kind === 'overlap' ? level.state : product, weight: 0.7 }];
    const exact = objectiveOf(simulator, sum, projectors);
    const measured = measuredObjective(
      sum, circuit, [{ level, weight: 0.7, kind }], { shots: 400, noise: {}, trajectories: 1 }, random.stream(kind),
    ); // prettier-ignore
    const values = Array.from({ length: 200 }, () => measured.value(x));
    const mean = values.reduce((a, b) => a + b) / values.length;
    const sd = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
    expect(Math.abs(mean - exact.value(x))).toBeLessThan((5 * sd) / Math.sqrt(values.length));
    const [a, b, g] = [new Float64Array(8), new Float64Array(8), new Float64Array(8)];
    exact.gradient(x, a);
    for (let i = 0; i < 60; i++) {
      measured.gradient(x, g);
      g.forEach((value, p) => (b[p]! += value / 60));
    }
    a.forEach((value, p) => expect(Math.abs(value - b[p]!)).toBeLessThan(0.05));
  }
});

it.each([
  ['quantumGame', quantumGame],
  ['vqd', vqd],
] as const)('%s descends under shots, and the ledger counts them', (_name, method) => {
  const { levels, ledger, restarts } = method(hydrogen(), ansatz, 2, { seed: 2, shots: 200, maxCalls: 400 });
  expect(levels[0]!.energy).toBeLessThan(-1.7);
  expect(restarts).toBe(0);
  expect(ledger.valueCalls).toBe(800);
  expect(ledger.shots).toBe(200 * ledger.circuits);
  const again = method(hydrogen(), ansatz, 2, { seed: 2, shots: 200, maxCalls: 400 });
  expect(again.levels.map(({ energy }) => energy)).toEqual(levels.map(({ energy }) => energy));
});

it('takes gradients by parameter shift where the optimiser wants them, and noise where asked', () => {
  const options = { seed: 1, shots: 400, optimizer: lbfgs(), maxCalls: 20 } as const;
  const { levels, ledger } = vqe(hydrogen(), ansatz, options);
  expect(levels[0]!.energy).toBeLessThan(-1.6);
  expect(ledger.circuits).toBe(2 * (ledger.valueCalls + 17 * ledger.gradientCalls));
  const noisy = vqe(hydrogen(), ansatz, { ...options, noise: { twoQubit: 0.05 }, trajectories: 10 });
  expect(noisy.levels[0]!.energy).not.toBe(levels[0]!.energy);
});

it('refuses shots and noise that make no sense', () => {
  expect(() => vqe(hydrogen(), ansatz, { seed: 1, shots: 0.5 })).toThrow('vqe: shots must be a whole number');
  expect(() => vqe(hydrogen(), ansatz, { seed: 1, noise: { readout: 0.1 } })).toThrow('need shots');
  expect(() => vqd(hydrogen(), ansatz, 1, { seed: 1, shots: 10, trajectories: 11 })).toThrow(
    'trajectories must be',
  );
});
