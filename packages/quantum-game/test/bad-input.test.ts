import {
  Circuit,
  hardwareEfficient,
  hydrogen,
  lowestLevels,
  parallelQuantumGame,
  parseMolecule,
  parseQasm,
  PauliSum,
  quantumGame,
  realAmplitudes,
  sample,
  Simulator,
  ssvqe,
  transverseFieldIsing,
  vqe,
} from '@ockham/quantum-game';
import { OckhamError } from '@ockham/core';
import { expect, it } from 'vitest';

const ansatz = realAmplitudes(2);
const simulator = new Simulator(ansatz);
const crooked = PauliSum.from([{ pauli: 'XX', coefficient: 1, imaginary: 1 }]);

it.each([
  ['a sum that is not Hermitian', () => quantumGame(crooked, ansatz, 1, { seed: 1 }), 'must be Hermitian'],
  ['the same for an expectation', () => simulator.energy(new Float64Array(8), crooked), 'must be Hermitian'],
  ['a qubit out of range', () => new Circuit(2).h(2), 'a whole number in [0, 1], got 2'],
  ['a qubit that is no whole number', () => new Circuit(2).h(0.5), 'got 0.5'],
  ['the same qubit twice', () => new Circuit(2).cx(1, 1), 'must differ, got 1, 1'],
  [
    'sizes that do not match',
    () => vqe(hydrogen(), realAmplitudes(3), { seed: 1 }),
    '2 qubits and the ansatz 3',
  ],
  [
    'a sum of another size',
    () => simulator.energy(new Float64Array(8), transverseFieldIsing(3)),
    'must agree',
  ],
  [
    'a gradient of another size',
    () => simulator.evaluate(new Float64Array(8), hydrogen(), new Float64Array(3)),
    'must have 8 numbers',
  ],
  [
    'a projector of another size',
    () =>
      simulator.evaluate(new Float64Array(8), hydrogen(), undefined, {
        projectors: [{ state: new Float64Array(4), weight: 1 }],
      }),
    'has 8 numbers, got 4',
  ],
  ['more levels than there are', () => quantumGame(hydrogen(), ansatz, 5, { seed: 1 }), '[1, 4], got 5'],
  ['no level', () => quantumGame(hydrogen(), ansatz, 0, { seed: 1 }), '[1, 4], got 0'],
  ['more exact levels than there are', () => lowestLevels(hydrogen(), 5), '[1, 4], got 5'],
  ['a parameter that is NaN', () => simulator.run([0, 0, 0, NaN, 0, 0, 0, 0]), 'finite, got NaN at 3'],
  ['too few parameters', () => simulator.run([0]), 'has 8 parameters, got 1'],
  [
    'a start that is NaN',
    () => simulator.run(new Float64Array(8), new Float64Array(8).fill(NaN)),
    'must be finite',
  ],
  ['QASM that is malformed, with its line', () => parseQasm('qubit q;\nh q'), 'line 2'],
  ['JSON that is malformed, with its line', () => parseMolecule('{\n "terms": [}'), 'line 2'],
  [
    'a state that does not fit, with its bytes',
    () => new Simulator(new Circuit(29).h(0)),
    '17,179,869,184 bytes',
  ],
  [
    'the same without kernels',
    () => new Simulator(new Circuit(29).h(0), { engine: 'plain' }),
    '17,179,869,184 bytes',
  ],
  [
    'an unknown entanglement',
    () => hardwareEfficient(2, { entanglement: 'ring' as 'full' }),
    'linear, full, got ring',
  ],
  [
    'an unknown gradient',
    () => vqe(hydrogen(), ansatz, { seed: 1, gradient: 'magic' as 'adjoint' }),
    'got magic',
  ],
  [
    'a tolerance that is NaN',
    () => vqe(hydrogen(), ansatz, { seed: 1, residualTolerance: NaN }),
    'residualTolerance must be at least 0',
  ],
  [
    'no rounds',
    () => parallelQuantumGame(hydrogen(), ansatz, 2, { seed: 1, maxRounds: 0 }),
    'maxRounds must be at least 1',
  ],
  [
    'a basis state out of range',
    () => ssvqe(hydrogen(), ansatz, 2, { seed: 1, initial: [0, 4] }),
    '[0, 3], got 4',
  ],
  ['a state that is none', () => sample(new Float64Array(3), 1, 1), '2 · 2^n numbers, got 3'],
  ['no seed', () => vqe(hydrogen(), ansatz, {} as { seed: number }), 'a seed is required'],
])('refuses %s', (_name, run, message) => {
  expect(run).toThrow(message);
  expect(run).toThrow(OckhamError);
});
