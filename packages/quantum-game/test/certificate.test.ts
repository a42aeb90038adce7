import {
  heisenberg,
  hydrogen,
  hydrogenRepulsion,
  lowestLevels,
  minimize,
  lbfgs,
  osrve,
  parallelQuantumGame,
  quantumGame,
  realAmplitudes,
  Simulator,
  ssvqe,
  transverseFieldIsing,
  vqd,
  type ExcitedStates,
} from '@ockham/quantum-game';
import { describe, expect, it } from 'vitest';

const exact = [-1.8572750302023795, -1.244584549813327, -0.8827221502448641, -0.22491125283087043];
const ansatz = realAmplitudes(2);

/** Angles of an exact level of hydrogen. */
function anglesOf(level: number): Float64Array {
  const { vectors } = lowestLevels(hydrogen(), 4);
  const simulator = new Simulator(ansatz);
  const projectors = [{ state: vectors[level]!, weight: -50 }];
  const value = (x: Float64Array) => simulator.evaluate(x, hydrogen(), undefined, { projectors }).value;
  const gradient = (x: Float64Array, into: Float64Array) =>
    simulator.evaluate(x, hydrogen(), into, { projectors }).value;
  const start = Array.from({ length: 8 }, (_, i) => Math.sin(3 * i + level));
  return minimize({ size: 8, value, gradient }, start, lbfgs()).x;
}

const worst = ({ levels }: ExcitedStates): number =>
  Math.max(...levels.map(({ energy }, i) => Math.abs(energy - exact[i]!)));

describe('a level that was missed altogether', () => {
  const starts = [anglesOf(0), anglesOf(2)]; // exact eigenstates in rising order, with one between them

  it('is certified where no probe looks', () => {
    const found = quantumGame(hydrogen(), ansatz, 2, { seed: 1, starts, probes: 0 });
    expect(found.certificate.passed).toBe(true);
    expect(worst(found)).toBeGreaterThan(0.3);
  });

  it('raises an alarm by a probe, which no longer passes', () => {
    for (const method of [quantumGame, vqd, osrve]) {
      const { certificate } = method(hydrogen(), ansatz, 2, { seed: 1, starts, restarts: 0 });
      expect(certificate.passed).toBe(false);
      expect(certificate.alarms.map(({ kind, level }) => [kind, level])).toContainEqual(['missed', 1]);
      expect(certificate.probe?.verdict).toBe('missed');
    }
  });

  it('is found by the restart that the alarm asks for, and the ledger counts the probes', () => {
    for (const method of [quantumGame, vqd, osrve]) {
      const found = method(hydrogen(), ansatz, 2, { seed: 1, starts });
      const without = method(hydrogen(), ansatz, 2, { seed: 1, starts, probes: 0 });
      expect(found.certificate.passed).toBe(true);
      expect(found.certificate.probe!.verdict).toBe('clear');
      expect(found.restarts).toBe(1);
      expect(worst(found)).toBeLessThan(1e-8);
      expect(found.ledger.points).toBeGreaterThan(without.ledger.points);
    }
  });

  it('is found all at once too', () => {
    const found = parallelQuantumGame(hydrogen(), ansatz, 2, { seed: 1, starts });
    expect(found.certificate.passed).toBe(true);
    expect(worst(found)).toBeLessThan(1e-5);
    expect(found.restarts).toBeGreaterThan(0);
  });

  it('is seen by the subspace search from a basis state outside of its subspace', () => {
    const options = { seed: 1, maxCalls: 1, restarts: 0, residualTolerance: 10 };
    expect(ssvqe(hydrogen(), ansatz, 2, options).certificate.probe).toBeDefined();
    const found = ssvqe(hydrogen(), ansatz, 2, { seed: 1 });
    expect(found.certificate.probe!.energy).toBeGreaterThan(exact[1]! - 1e-6);
  });
});

it('the weight a probe may have missed is a bound: it is never below what the exact levels say', () => {
  const chain = transverseFieldIsing(4);
  const levels = lowestLevels(chain, 3);
  for (let seed = 0; seed < 20; seed++) {
    const found = quantumGame(chain, realAmplitudes(4, { repetitions: 7 }), 2, { seed });
    const { probe } = found.certificate;
    expect(found.levels[1]!.energy).toBeCloseTo(levels.values[1]!, 5);
    expect(['clear', 'degenerate', 'open']).toContain(probe!.verdict);
    if (probe!.verdict === 'clear') expect(probe!.weightBelow).toBeLessThan(0.05);
  }
});

it('a degenerate level is reported, also where only one of its states was asked for', () => {
  const chain = heisenberg(2); // a singlet at −3, a triplet at 1
  const { certificate, levels } = quantumGame(chain, ansatz, 2, { seed: 3 });
  expect(levels.map(({ energy }) => Math.round(energy))).toEqual([-3, 1]);
  expect(certificate.passed).toBe(true);
  expect(certificate.alarms.map(({ kind, level }) => [kind, level])).toEqual([['degenerate', 1]]);
  const all = quantumGame(chain, realAmplitudes(2), 4, { seed: 3 });
  expect(all.certificate.alarms.filter(({ kind }) => kind === 'degenerate').length).toBeGreaterThanOrEqual(2);
  expect(all.certificate.probe).toBeUndefined(); // no level is left
});

it('with the printed shift of 0 an answer that is wrong is never certified', () => {
  let wrong = 0;
  for (const constant of [0.3, hydrogenRepulsion, 1, 1.5, 2]) {
    for (const count of [2, 3, 4]) {
      for (let seed = 0; seed < 5; seed++) {
        let found: ExcitedStates;
        try {
          found = quantumGame(hydrogen().shifted(constant), ansatz, count, { seed, shift: 0 });
        } catch (error) {
          expect((error as Error).message).toContain('must lie below the shift');
          continue;
        }
        const error = Math.max(
          ...found.levels.map(({ energy }, i) => Math.abs(energy - constant - exact[i]!)),
        );
        if (error > 1e-5) {
          wrong++;
          expect(found.certificate.passed).toBe(false);
        }
      }
    }
  }
  expect(wrong).toBeGreaterThan(20);
});

it('out of restarts the best attempt at a level is kept, not the last', () => {
  // one layer cannot reach the third level, so every attempt raises an alarm
  const poor = realAmplitudes(2, { repetitions: 0 });
  for (let seed = 0; seed < 10; seed++) {
    const many = vqd(hydrogen(), poor, 2, { seed, restarts: 6, probes: 0 });
    const values = Array.from({ length: 7 }, (_, restarts) =>
      vqd(hydrogen(), poor, 2, { seed, restarts, probes: 0 }).levels.reduce(
        (sum, { energy }) => sum + energy,
        0,
      ),
    );
    expect(many.restarts).toBe(6);
    expect(many.levels.reduce((sum, { energy }) => sum + energy, 0)).toBeLessThan(Math.max(...values) + 1e-9);
  }
});

it('refuses restarts, probes and starts that make no sense before any work', () => {
  expect(() => quantumGame(hydrogen(), ansatz, 2, { seed: 1, restarts: -1 })).toThrow(
    'restarts must be at least 0, got -1',
  );
  expect(() => quantumGame(hydrogen(), ansatz, 2, { seed: 1, probes: NaN })).toThrow(
    'probes must be at least 0, got NaN',
  );
  expect(() => quantumGame(hydrogen(), ansatz, 1, { seed: 1, starts: [[NaN, 0, 0, 0, 0, 0, 0, 0]] })).toThrow(
    'finite',
  );
});
