import { Random } from '@ockham/core/random';
import { Circuit, drawSvg, drawText, parameter, parseQasm, Simulator, toQasm } from '@ockham/quantum-game';
import { describe, expect, it } from 'vitest';
import fixture from './fixtures/qasm.json' with { type: 'json' };
import { randomCircuit } from './random-circuit.ts';

/** |⟨a|b⟩|, 1 where two circuits differ by a phase only. */
function fidelity(a: Circuit, b: Circuit): number {
  const start = Float64Array.from({ length: 2 * 2 ** a.qubits }, (_, i) => Math.cos(i * i + 1));
  const norm = Math.hypot(...start);
  const state = start.map((value) => value / norm);
  const [p, q] = [new Simulator(a).run([], state).slice(), new Simulator(b).run([], state)];
  let [re, im] = [0, 0];
  for (let i = 0; i < p.length; i += 2) {
    re += p[i]! * q[i]! + p[i + 1]! * q[i + 1]!;
    im += p[i]! * q[i + 1]! - p[i + 1]! * q[i]!;
  }
  return Math.hypot(re, im);
}

describe('toQasm and parseQasm', () => {
  it('round-trip every gate in version 3, and those of qelib1.inc in version 2', () => {
    for (let seed = 0; seed < 20; seed++) {
      const drawn = randomCircuit(new Random(seed), 4, 25);
      const circuit = drawn.bind(Array.from({ length: drawn.parameters }, (_, i) => i + 0.5));
      expect(fidelity(circuit, parseQasm(toQasm(circuit)))).toBeCloseTo(1, 12);
      const plain = new Circuit(4);
      for (const operation of circuit.operations) if (operation.controls.length < 2) plain.add(operation);
      expect(fidelity(plain, parseQasm(toQasm(plain, { version: 2 })))).toBeCloseTo(1, 12);
    }
  });

  it('give the states that Qiskit gives for the same programs', () => {
    for (const { source, state } of fixture.programs) {
      const ours = new Simulator(parseQasm(source)).run([]);
      let [re, im] = [0, 0];
      for (let i = 0; i < ours.length; i += 2) {
        re += state[i]! * ours[i]! + state[i + 1]! * ours[i + 1]!;
        im += state[i]! * ours[i + 1]! - state[i + 1]! * ours[i]!;
      }
      expect(Math.hypot(re, im)).toBeCloseTo(1, 12);
    }
  });

  it.each([
    ['OPENQASM 2.0;\nqreg q[2];\nh q[0]\ncx q[0], q[1];', 3, "expected ';'"],
    ['OPENQASM 3.0;\nqubit[2] q;\nfoo q[0];', 3, "no gate 'foo'"],
    ['qubit[2] q;\n\ncx q[0], q[5];', 3, 'qubits 0 to 1'],
    ['qubit[2] q;\ncx q[1], q[1];', 2, 'must differ'],
    ['qubit[2] q;\nrx(1/0) q[0];', 2, 'finite'],
    ['qubit[2] q;\nrx q[0];', 2, 'takes 1 angles'],
    ['qubit q;\n// fine\nif (c == 1) x q;', 3, 'not part of a unitary'],
    ['qubit q;\ngate a b { x b;', 2, 'not closed'],
    ['qubit q;\n  $', 2, 'unexpected character'],
    ['OPENQASM 4.0;', 1, 'version 4.0'],
    ['', 1, 'no qubits'],
  ])('refuse %j with its line', (source, line, problem) => {
    expect(() => parseQasm(source)).toThrow(new RegExp(`parseQasm: line ${line}: .*${problem}`));
  });

  it('refuse to export parameters, and gates that version 2 has not', () => {
    expect(() => toQasm(new Circuit(1).ry(parameter(0), 0))).toThrow('bind');
    const doubly = new Circuit(3).add({ gate: 'ry', qubits: [2], controls: [0, 1], angles: [1] });
    expect(() => toQasm(doubly, { version: 2 })).toThrow('version: 3');
  });
});

it('draws a circuit as text and as SVG', () => {
  const circuit = new Circuit(3).h(0).cx(0, 2).ry(parameter(0), 1).swap(1, 2);
  expect(drawText(circuit)).toBe(
    ['q0: ─H─●──────────', '       │', 'q1: ───┼─RY(θ0)─×─', '       │        │', 'q2: ───⊕────────×─'].join(
      '\n',
    ),
  );
  const svg = drawSvg(circuit);
  expect(svg).toContain('RY(θ0)');
  expect(svg.match(/<rect/g)).toHaveLength(2);
  expect(drawSvg(circuit)).toBe(svg);
});
