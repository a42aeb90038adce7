import { Random } from '@ockham/core/random';
import { Circuit, parameter, Simulator, type Angle } from '@ockham/quantum-game';
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

it('runs of gates on one qubit, which are fused on the way forward, give the twin’s state and gradient', () => {
  const add = [
    (c: Circuit, q: number, a: Angle) => c.rx(a, q),
    (c: Circuit, q: number, a: Angle) => c.ry(a, q),
    (c: Circuit, q: number, a: Angle) => c.rz(a, q),
    (c: Circuit, q: number, a: Angle) => c.p(a, q),
    (c: Circuit, q: number, a: Angle) => c.u3(a, 0.3, a, q),
    (c: Circuit, q: number, a: Angle) => c.pauliRotation('Y', a, [q]),
    (c: Circuit, q: number) => c.h(q),
    (c: Circuit, q: number) => c.x(q),
    (c: Circuit, q: number) => c.y(q),
    (c: Circuit, q: number) => c.t(q),
  ];
  const gate = fc.record({
    kind: fc.nat(add.length), // the last one is a CX
    qubit: fc.nat(3),
    other: fc.nat(2),
    angle: fc.nat(5),
  });
  fc.assert(
    fc.property(fc.array(gate, { minLength: 1, maxLength: 40 }), fc.nat(), (gates, seed) => {
      const circuit = new Circuit(4);
      for (const { kind, qubit, other, angle } of gates) {
        const make = add[kind];
        if (make) make(circuit, qubit, parameter(angle));
        else circuit.cx(qubit, (qubit + 1 + other) % 4);
      }
      compare(circuit, new Random(seed));
    }),
    { numRuns: 200 },
  );
});

it('memory that the engine refuses is named with its bytes', () => {
  const wide = new Circuit(26).h(0);
  const { Memory } = WebAssembly;
  try {
    WebAssembly.Memory = function refuse() {
      throw new RangeError('could not allocate memory');
    } as unknown as typeof Memory;
    expect(() => new Simulator(wide)).toThrow(
      '2 states of 26 qubits need 2,147,483,648 bytes, which could not be allocated',
    );
  } finally {
    WebAssembly.Memory = Memory;
  }
});
