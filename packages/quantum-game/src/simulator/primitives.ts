/**
 * What the simulator really does: each gate becomes one to three of six primitives, with at most one angle each, so
 * that a gradient needs one rule per primitive.
 */
import type { Angle } from '../circuit/angle.ts';
import type { Circuit, Operation } from '../circuit/circuit.ts';

/** 2 × 2 on one qubit; numbers are real and imaginary parts of m00, m01, m10, m11. */
export const MATRIX = 0;
/** RY. */
export const RY = 1;
/** exp(−iθ/2 P) by masks. */
export const PAULI = 2;
/** e^{iθ} on the states that have all bits of a mask. */
export const PHASE = 3;
/** X. */
export const FLIP = 4;
export const SWAP = 5;

export type PrimitiveKind =
  typeof MATRIX | typeof RY | typeof PAULI | typeof PHASE | typeof FLIP | typeof SWAP;

export interface Primitive {
  readonly kind: PrimitiveKind;
  /** Bits that must be 1. For PHASE this is the whole mask. */
  readonly controls: number;
  /** Bit mask of the qubits a MATRIX, RY or FLIP acts on (one bit), a SWAP exchanges (two bits) or a PAULI flips. */
  readonly x: number;
  /** Bit mask of the qubits that have Z or Y in a PAULI. */
  readonly z: number;
  /** Number of Y in a PAULI, modulo 4. */
  readonly ys: number;
  /** Of RY, PAULI and PHASE. */
  readonly angle: Angle;
  /** Of MATRIX: 8 numbers. */
  readonly matrix: readonly number[] | undefined;
}

const R = Math.SQRT1_2;
const HADAMARD = [R, 0, R, 0, R, 0, -R, 0];
const PAULI_Y = [0, 0, 0, -1, 0, 1, 0, 0];
const PHASES: Readonly<Record<string, number>> = {
  z: Math.PI,
  s: Math.PI / 2,
  sdg: -Math.PI / 2,
  t: Math.PI / 4,
  tdg: -Math.PI / 4,
};

/** The primitives of a circuit, in order. */
export function toPrimitives(circuit: Circuit): Primitive[] {
  return circuit.operations.flatMap(lower);
}

function lower(operation: Operation): Primitive[] {
  const { gate, qubits, angles } = operation;
  const controls = maskOf(operation.controls);
  const target = maskOf(qubits);
  const base = { controls, x: target, z: 0, ys: 0, angle: 0, matrix: undefined };
  const phase = (angle: Angle): Primitive => ({
    ...base,
    kind: PHASE,
    controls: controls | target,
    x: 0,
    angle,
  });
  switch (gate) {
    case 'h':
      return [{ ...base, kind: MATRIX, matrix: HADAMARD }];
    case 'y':
      return [{ ...base, kind: MATRIX, matrix: PAULI_Y }];
    case 'x':
      return [{ ...base, kind: FLIP }];
    case 'swap':
      return [{ ...base, kind: SWAP }];
    case 'ry':
      return [{ ...base, kind: RY, angle: angles[0]! }];
    case 'rx':
      return [{ ...base, kind: PAULI, angle: angles[0]! }];
    case 'rz':
      return [{ ...base, kind: PAULI, x: 0, z: target, angle: angles[0]! }];
    case 'p':
      return [phase(angles[0]!)];
    case 'u3':
      return [phase(angles[2]!), { ...base, kind: RY, angle: angles[0]! }, phase(angles[1]!)];
    case 'pauli': {
      const where = (letters: string): number =>
        maskOf(qubits.filter((_, i) => letters.includes(operation.pauli![i]!)));
      const ys = (operation.pauli!.split('Y').length - 1) % 4;
      return [{ ...base, kind: PAULI, x: where('XY'), z: where('YZ'), ys, angle: angles[0]! }];
    }
    default:
      return [phase(PHASES[gate]!)];
  }
}

function maskOf(qubits: readonly number[]): number {
  return qubits.reduce((mask, qubit) => mask | (1 << qubit), 0);
}
