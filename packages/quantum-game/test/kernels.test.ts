import { Random } from '@ockham/core/random';
import { Simulator, type Circuit } from '@ockham/quantum-game';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { randomCircuit, randomSum } from './random-circuit.ts';

function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
  return worst;
}

function compare(circuit: Circuit, random: Random): void {
  const sum = randomSum(random, circuit.qubits, 12);
  const parameters = Float64Array.from({ length: circuit.parameters }, () => random.normal());
  const initial = random.integer(2 ** circuit.qubits);
  const kernels = new Simulator(circuit, { engine: 'kernels' });
  const plain = new Simulator(circuit, { engine: 'plain' });
  expect(difference(kernels.run(parameters, initial), plain.run(parameters, initial))).toBeLessThan(1e-13);
  const [a, b] = [new Float64Array(circuit.parameters), new Float64Array(circuit.parameters)];
  const left = kernels.evaluate(parameters, sum, a, { initial });
  const right = plain.evaluate(parameters, sum, b, { initial });
  expect(Math.abs(left.value - right.value)).toBeLessThan(1e-12);
  expect(difference(a, b)).toBeLessThan(1e-11);
}

it('kernels and their TypeScript twin agree on random circuits of every gate', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 1, max: 7 }), (seed, qubits) => {
      const random = new Random(seed);
      compare(randomCircuit(random, qubits, 30), random);
    }),
    { numRuns: 150 },
  );
});

it('they agree where a state is worked on in blocks', () => {
  for (const seed of [1, 2, 3]) {
    const random = new Random(seed);
    compare(randomCircuit(random, 14, 60), random);
  }
});
