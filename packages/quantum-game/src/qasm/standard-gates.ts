import { Circuit, type Operation } from '../circuit/circuit.ts';
import type { GateName } from '../circuit/gates.ts';

/** A named gate: how many angles and qubits it takes, and its operations on qubits 0, 1 … */
export interface NamedGate {
  readonly angles: number;
  readonly qubits: number;
  readonly make: (angles: readonly number[]) => readonly Operation[];
}

function base(gate: GateName, angles: number, controls = 0, qubits = 1): NamedGate {
  return {
    angles,
    qubits: controls + qubits,
    make: (values) => [
      {
        gate,
        angles: values,
        controls: Array.from({ length: controls }, (_, i) => i),
        qubits: Array.from({ length: qubits }, (_, i) => controls + i),
      },
    ],
  };
}

function composed(angles: number, qubits: number, write: (a: readonly number[]) => Circuit): NamedGate {
  return { angles, qubits, make: (values) => write(values).operations };
}

const two = (pauli: string): NamedGate =>
  composed(1, 2, (a) => new Circuit(2).pauliRotation(pauli, a[0]!, [0, 1]));

/** `U` of version 3 has the phase e^{iθ/2} over U3, which counts once it is controlled. */
const u = base('u3', 3);

/** The gates of qelib1.inc and stdgates.inc that the simulator has, by name. */
export const standardGates: ReadonlyMap<string, NamedGate> = new Map<string, NamedGate>([
  ['id', composed(0, 1, () => new Circuit(1))],
  ...(['h', 'x', 'y', 'z', 's', 'sdg', 't', 'tdg'] as const).map((name): [string, NamedGate] => [
    name,
    base(name, 0),
  ]),
  ...(['rx', 'ry', 'rz', 'p'] as const).map((name): [string, NamedGate] => [name, base(name, 1)]),
  ...(['rx', 'ry', 'rz', 'p'] as const).map((name): [string, NamedGate] => [`c${name}`, base(name, 1, 1)]),
  ...(['x', 'y', 'z', 'h'] as const).map((name): [string, NamedGate] => [`c${name}`, base(name, 0, 1)]),
  ['sx', composed(0, 1, () => new Circuit(1).sdg(0).h(0).sdg(0))],
  ['CX', base('x', 0, 1)],
  ['u1', base('p', 1)],
  ['phase', base('p', 1)],
  ['cu1', base('p', 1, 1)],
  ['cphase', base('p', 1, 1)],
  ['u2', composed(2, 1, ([phi, lambda]) => new Circuit(1).u3(Math.PI / 2, phi!, lambda!, 0))],
  ['u3', u],
  ['u', u],
  ['U', u],
  ['cu3', base('u3', 3, 1)],
  ['cu', composed(4, 2, ([a, b, c, d]) => new Circuit(2).p(d!, 0).cu(a!, b!, c!, 0, 1))],
  ['ccx', base('x', 0, 2)],
  ['ccz', base('z', 0, 2)],
  ['swap', base('swap', 0, 0, 2)],
  ['cswap', base('swap', 0, 1, 2)],
  ['rxx', two('XX')],
  ['ryy', two('YY')],
  ['rzz', two('ZZ')],
]);
