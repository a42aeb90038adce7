import {
  hydrogen,
  osrve,
  parallelQuantumGame,
  realAmplitudes,
  ssvqe,
  vqd,
  type ExcitedStates,
} from '@ockham/quantum-game';
import { describe, expect, it } from 'vitest';

const exact = [-1.8572750302023795, -1.244584549813327, -0.8827221502448641, -0.22491125283087043];

function expectLevels({ levels, certificate }: ExcitedStates, tolerance: number): void {
  expect(certificate.passed).toBe(true);
  levels.forEach(({ energy }, i) => expect(Math.abs(energy - exact[i]!)).toBeLessThan(tolerance));
}

describe('the three lowest levels of hydrogen', () => {
  it.each([1, 2, 3])('by every method, seed %i', (seed) => {
    const ansatz = realAmplitudes(2);
    for (const penalty of [3, 'coefficients', 'energy', 'spread'] as const) {
      expectLevels(vqd(hydrogen(), ansatz, 3, { seed, penalty }), 1e-8);
    }
    expectLevels(ssvqe(hydrogen(), ansatz, 3, { seed }), 1e-8);
    expectLevels(ssvqe(hydrogen(), ansatz, 3, { seed, weights: [3, 2, 1] }), 1e-8);
    expectLevels(osrve(hydrogen(), ansatz, 3, { seed }), 1e-8);
    expectLevels(parallelQuantumGame(hydrogen(), ansatz, 3, { seed }), 1e-5);
  });

  it('in parallel, delayed and with weights by age', () => {
    const options = { seed: 5, startResidual: 0.1, maturity: 5 };
    const { rounds, ...found } = parallelQuantumGame(hydrogen(), realAmplitudes(2), 3, options);
    expectLevels(found, 1e-5);
    expect(rounds).toBeLessThan(100);
  });
});

describe('bad input is refused', () => {
  const ansatz = realAmplitudes(2);
  it.each([
    [
      'levels',
      () => vqd(hydrogen(), ansatz, 5, { seed: 1 }),
      'levels must be a whole number in [1, 2^n] = [1, 4], got 5',
    ],
    [
      'qubits',
      () => vqd(hydrogen(), realAmplitudes(3), 2, { seed: 1 }),
      'the Hamiltonian has 2 qubits and the ansatz 3',
    ],
    ['penalty', () => vqd(hydrogen(), ansatz, 2, { seed: 1, penalty: NaN }), 'penalty must be'],
    ['weights', () => ssvqe(hydrogen(), ansatz, 2, { seed: 1, weights: [1, 2] }), 'falling'],
    ['states', () => ssvqe(hydrogen(), ansatz, 2, { seed: 1, initial: [1, 1] }), 'different basis states'],
  ])('%s', (_name, run, message) => {
    expect(run).toThrow(message);
  });
});
