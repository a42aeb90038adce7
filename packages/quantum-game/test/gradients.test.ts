import { Random } from '@ockham/core/random';
import { finiteDifferences, fubiniStudyMetric, parameterShift, Simulator } from '@ockham/quantum-game';
import { describe, expect, it } from 'vitest';
import { randomCircuit, randomSum } from './random-circuit.ts';

describe('the gradient', () => {
  it('is the same by the adjoint method, parameter shift and central differences, projectors included', () => {
    for (let seed = 0; seed < 12; seed++) {
      const random = new Random(seed);
      const circuit = randomCircuit(random, 4, 30);
      const sum = randomSum(random, 4, 10);
      const parameters = Float64Array.from({ length: circuit.parameters }, () => random.normal());
      const state = Float64Array.from({ length: 32 }, () => random.normal());
      const projectors = [{ state, weight: -0.3 }];
      const simulator = new Simulator(circuit);
      const adjoint = new Float64Array(circuit.parameters);
      simulator.evaluate(parameters, sum, adjoint, { projectors });
      const shifted = parameterShift(circuit, parameters, sum, projectors);
      const differences = new Float64Array(circuit.parameters);
      const value = (x: Float64Array): number => simulator.evaluate(x, sum, undefined, { projectors }).value;
      finiteDifferences(value, parameters, NaN, differences, { scheme: 'central' });
      const scale = Math.max(1, ...adjoint.map(Math.abs));
      for (let i = 0; i < adjoint.length; i++) {
        expect(Math.abs(shifted.gradient[i]! - adjoint[i]!) / scale).toBeLessThan(1e-11);
        expect(Math.abs(differences[i]! - adjoint[i]!) / scale).toBeLessThan(1e-7);
      }
    }
  });

  it('refuses NaN and a vector of another length', () => {
    const circuit = randomCircuit(new Random(1), 3, 20);
    const simulator = new Simulator(circuit);
    const bad = new Float64Array(circuit.parameters).fill(NaN);
    expect(() => simulator.run(bad)).toThrow('every parameter must be finite');
    expect(() => simulator.run([])).toThrow(`has ${circuit.parameters} parameters, got 0`);
  });
});

it('the Fubini–Study metric is that of the overlap, 1 − |⟨ψ(θ)|ψ(θ + δ)⟩|²', () => {
  const random = new Random(4);
  const circuit = randomCircuit(random, 3, 20);
  const parameters = Float64Array.from({ length: circuit.parameters }, () => random.normal());
  const metric = fubiniStudyMetric(circuit, parameters);
  const n = circuit.parameters;
  const simulator = new Simulator(circuit);
  const psi = simulator.run(parameters).slice();
  const step = 1e-4;
  const direction = parameters.map(() => random.normal());
  const moved = simulator.run(parameters.map((value, i) => value + step * direction[i]!));
  let [re, im] = [0, 0];
  for (let i = 0; i < psi.length; i += 2) {
    re += psi[i]! * moved[i]! + psi[i + 1]! * moved[i + 1]!;
    im += psi[i]! * moved[i + 1]! - psi[i + 1]! * moved[i]!;
  }
  let form = 0;
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) form += direction[i]! * metric[i * n + j]! * direction[j]!;
  expect((1 - re * re - im * im) / step ** 2 / form).toBeCloseTo(1, 2);
});
