import { Random } from '@ockham/core/random';
import {
  ancillaCircuit,
  Circuit,
  conditionalSwapCircuit,
  estimate,
  hydrogen,
  mixedEnergy,
  PauliSum,
  sample,
  Simulator,
  swapTestCircuit,
  uncomputeCircuit,
  type MeasuredCircuit,
} from '@ockham/quantum-game';
import { describe, expect, it } from 'vitest';
import { randomCircuit, randomSum } from './random-circuit.ts';

function bound(random: Random, qubits: number): Circuit {
  const circuit = randomCircuit(random, qubits, 12);
  return circuit.bind(Array.from({ length: circuit.parameters }, () => random.normal()));
}

const expectation = ({ circuit, observable }: MeasuredCircuit): number =>
  new Simulator(circuit).energy([], observable);

describe('mixed energies', () => {
  it('the ancilla circuit gives Re without S and +Im with it, on 1,000 random circuits', () => {
    let worst = 0;
    for (let seed = 0; seed < 1_000; seed++) {
      const random = new Random(seed);
      const sum = randomSum(random, 2, 5);
      const [phi, psi] = [bound(random, 2), bound(random, 2)];
      const [re, im] = mixedEnergy(sum, phi, psi);
      worst = Math.max(
        worst,
        Math.abs(expectation(ancillaCircuit(sum, phi, psi)) - re),
        Math.abs(expectation(ancillaCircuit(sum, phi, psi, { part: 'im' })) - im),
      );
    }
    expect(worst).toBeLessThan(1e-12);
  });

  it('under shots they are within five standard errors', () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = new Random(seed);
      const [phi, psi] = [bound(random, 2), bound(random, 2)];
      const parts = mixedEnergy(hydrogen(), phi, psi);
      for (const [i, part] of (['re', 'im'] as const).entries()) {
        const { circuit, observable } = ancillaCircuit(hydrogen(), phi, psi, { part });
        const { value, standardError } = estimate(circuit, observable, { shots: 400, seed });
        expect(Math.abs(value - parts[i]!)).toBeLessThan(5 * Math.max(standardError, 0.01));
      }
    }
  });

  it('the conditional-SWAP circuit gives Re(⟨ψ|H|φ⟩⟨φ|ψ⟩), and |⟨φ|H|ψ⟩|² with H on both', () => {
    for (let seed = 0; seed < 30; seed++) {
      const random = new Random(seed);
      const sum = randomSum(random, 2, 5);
      const [phi, psi] = [bound(random, 2), bound(random, 2)];
      const [re, im] = mixedEnergy(sum, phi, psi);
      const [or, oi] = mixedEnergy(PauliSum.from([{ pauli: 'II', coefficient: 1 }]), phi, psi);
      expect(expectation(conditionalSwapCircuit(sum, phi, psi))).toBeCloseTo(re * or + im * oi, 12);
      expect(expectation(conditionalSwapCircuit(sum, phi, psi, { registers: 2 }))).toBeCloseTo(
        re * re + im * im,
        11,
      );
      expect(expectation(swapTestCircuit(phi, psi))).toBeCloseTo(or * or + oi * oi, 12);
      const zero = new Simulator(uncomputeCircuit(phi, psi)).run([]);
      expect(zero[0]! ** 2 + zero[1]! ** 2).toBeCloseTo(or * or + oi * oi, 12);
    }
  });
});

describe('shots and noise', () => {
  it('samples a state by its probabilities, the same for the same seed', () => {
    const state = new Simulator(new Circuit(2).ry(2 * Math.acos(Math.sqrt(0.2)), 0).cx(0, 1)).run([]);
    const drawn = sample(state, 10_000, 3);
    const ones = drawn.filter((bits) => bits === 3).length;
    expect(drawn.every((bits) => bits === 0 || bits === 3)).toBe(true);
    expect(Math.abs(ones - 8_000)).toBeLessThan(5 * 40);
    expect(sample(state, 10_000, 3)).toEqual(drawn);
  });

  it('depolarising noise scales an expectation by 1 − p, readout noise by 1 − 2r', () => {
    const z = PauliSum.from([{ pauli: 'Z', coefficient: 1 }]);
    const circuit = new Circuit(1).ry(0.6, 0);
    const options = { shots: 20_000, trajectories: 4_000, seed: 1 };
    const noisy = estimate(circuit, z, { ...options, noise: { oneQubit: 0.3 } });
    expect(Math.abs(noisy.value - 0.7 * Math.cos(0.6))).toBeLessThan(0.05);
    const misread = estimate(circuit, z, { ...options, noise: { readout: 0.1 } });
    expect(Math.abs(misread.value - 0.8 * Math.cos(0.6))).toBeLessThan(0.03);
  });

  it('refuses bad shots, noise and circuits', () => {
    const z = PauliSum.from([{ pauli: 'Z', coefficient: 1 }]);
    expect(() => sample(Float64Array.of(1, 0), 0, 1)).toThrow('shots must be');
    expect(() => estimate(new Circuit(1), z, { seed: 1, noise: { readout: 2 } })).toThrow('noise.readout');
    expect(() => estimate(new Circuit(2), z, { seed: 1 })).toThrow('1 qubits, got 2');
  });
});
