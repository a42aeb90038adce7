import { ArgumentError } from '@ockham/core';
import type { Circuit, Operation } from '../circuit/circuit.ts';

/** Options of {@link toQasm}. */
export interface ToQasmOptions {
  /** OpenQASM 2 with qelib1.inc, or 3 with stdgates.inc. Default 3. */
  readonly version?: 2 | 3;
}

const SUFFIX_ANGLE: Readonly<Record<string, number>> = {
  s: Math.PI / 2,
  sdg: -Math.PI / 2,
  t: Math.PI / 4,
  tdg: -Math.PI / 4,
};
const CONTROLLED: readonly string[] = ['x', 'y', 'z', 'h', 'rx', 'ry', 'rz', 'swap'];

/**
 * The circuit as OpenQASM. Pauli rotations become changes of basis, a ladder of CX and an RZ. The register is `q`.
 *
 * @throws ArgumentError for a circuit with parameters, or, in version 2, gates with more controls than qelib1.inc has.
 */
export function toQasm(circuit: Circuit, options: ToQasmOptions = {}): string {
  const { version = 3 } = options;
  if (circuit.parameters > 0) {
    throw new ArgumentError(
      `toQasm: the circuit must have numbers for angles, got ${circuit.parameters} parameters. Call circuit.bind(values) first.`,
    );
  }
  const head =
    version === 2
      ? ['OPENQASM 2.0;', 'include "qelib1.inc";', `qreg q[${circuit.qubits}];`]
      : ['OPENQASM 3.0;', 'include "stdgates.inc";', `qubit[${circuit.qubits}] q;`];
  const lines = circuit.operations.flatMap((operation) =>
    operation.gate === 'pauli' ? ladder(operation, version) : [line(operation, version)],
  );
  return `${[...head, ...lines].join('\n')}\n`;
}

function line(operation: Operation, version: 2 | 3): string {
  let { gate, angles } = operation as { gate: string; angles: readonly number[] };
  const { controls, qubits } = operation;
  if (controls.length > 0 && gate in SUFFIX_ANGLE) {
    angles = [SUFFIX_ANGLE[gate]!];
    gate = 'p';
  }
  let prefix = '';
  let name: string = gate;
  const extra = controls.length - 1;
  if (version === 2) {
    const plain: Readonly<Record<string, string>> = { p: 'u1' };
    name = plain[gate] ?? gate;
    if (controls.length === 2 && gate === 'x') name = 'ccx';
    else if (controls.length > 1) {
      throw new ArgumentError(
        `toQasm: OpenQASM 2 has no ${gate} with ${controls.length} controls. Pass { version: 3 }.`,
      );
    } else if (controls.length === 1) name = `c${name}`;
  } else if (controls.length > 0) {
    // a controlled U of version 3 carries a phase that the gate here has not: cu states it
    if (gate === 'u3') {
      name = 'cu';
      angles = [...angles, 0];
    } else name = gate === 'p' ? 'cp' : CONTROLLED.includes(gate) ? `c${gate}` : gate;
    if (extra > 0) prefix = extra === 1 ? 'ctrl @ ' : `ctrl(${extra}) @ `;
  }
  const list = angles.length > 0 ? `(${angles.map(format).join(', ')})` : '';
  return `${prefix}${name}${list} ${[...controls, ...qubits].map((q) => `q[${q}]`).join(', ')};`;
}

/** exp(−iθ/2 P) as basis changes around a parity ladder; only its RZ needs the controls. */
function ladder({ pauli, qubits, angles, controls }: Operation, version: 2 | 3): string[] {
  const plain = (
    gate: Operation['gate'],
    qubit: number,
    on: readonly number[] = [],
    by: readonly number[] = [],
  ) => line({ gate, qubits: [qubit], controls: on, angles: by }, version);
  const enter = qubits.flatMap((q, i) =>
    pauli![i] === 'X' ? [plain('h', q)] : pauli![i] === 'Y' ? [plain('sdg', q), plain('h', q)] : [],
  );
  const leave = qubits.flatMap((q, i) =>
    pauli![i] === 'X' ? [plain('h', q)] : pauli![i] === 'Y' ? [plain('h', q), plain('s', q)] : [],
  );
  const down = qubits.slice(1).map((q, i) => plain('x', q, [qubits[i]!]));
  const turn = plain('rz', qubits.at(-1)!, controls, angles as readonly number[]);
  return [...enter, ...down, turn, ...down.toReversed(), ...leave];
}

/** A number as both versions write it: with a point before an exponent. */
function format(value: number): string {
  const text = String(value);
  return text.includes('e') && !text.includes('.') ? text.replace('e', '.0e') : text;
}
