import { ArgumentError } from '@ockham/core';
import { PauliSum, type PauliTerm } from './pauli-sum.ts';

/** Options of {@link transverseFieldIsing} and {@link heisenberg}. */
export interface ChainOptions {
  /** Strength of the bonds. Default 1. */
  readonly coupling?: number;
  /** Strength of the field. Default 1 for the Ising chain, 0 for the Heisenberg chain. */
  readonly field?: number;
  /** Join the last qubit to the first. Default false. */
  readonly periodic?: boolean;
}

/** −J Σ Z_i Z_{i+1} − h Σ X_i. */
export function transverseFieldIsing(qubits: number, options: ChainOptions = {}): PauliSum {
  const { coupling = 1, field = 1, periodic = false } = options;
  return PauliSum.from([
    ...bonds('transverseFieldIsing', qubits, periodic).map(([i, j]) => at(qubits, 'Z', [i, j], -coupling)),
    ...each(qubits, (i) => at(qubits, 'X', [i], -field)),
  ]);
}

/** J Σ (X_i X_{i+1} + Y_i Y_{i+1} + Z_i Z_{i+1}) + h Σ Z_i. */
export function heisenberg(qubits: number, options: ChainOptions = {}): PauliSum {
  const { coupling = 1, field = 0, periodic = false } = options;
  return PauliSum.from([
    ...bonds('heisenberg', qubits, periodic).flatMap((bond) =>
      ['X', 'Y', 'Z'].map((letter) => at(qubits, letter, bond, coupling)),
    ),
    ...each(qubits, (i) => at(qubits, 'Z', [i], field)),
  ]);
}

/** Nuclear repulsion of {@link hydrogen}, in hartree. */
export const hydrogenRepulsion = 0.7199689944489797;

/** Options of {@link hydrogen}. */
export interface HydrogenOptions {
  /** 2: parity mapping with two qubits removed; 4: Jordan–Wigner, spin-up orbitals first. Default 2. */
  readonly qubits?: 2 | 4;
}

/**
 * The electronic Hamiltonian of H2 at 0.735 Å in STO-3G, in hartree, without the nuclear repulsion. Its levels with one
 * electron of each spin are −1.857275, −1.244585, −0.882722, −0.224911.
 */
export function hydrogen(options: HydrogenOptions = {}): PauliSum {
  const { qubits = 2 } = options;
  const terms = { 2: TWO_QUBITS, 4: FOUR_QUBITS }[qubits];
  if (!terms) throw new ArgumentError(`hydrogen: qubits must be 2 or 4, got ${qubits}.`);
  return PauliSum.from(Object.entries(terms).map(([pauli, coefficient]) => ({ pauli, coefficient })));
}

const TWO_QUBITS: Readonly<Record<string, number>> = {
  II: -1.0523732457728605,
  IZ: -0.3979374248431795,
  XX: 0.18093119978423153,
  ZI: 0.3979374248431795,
  ZZ: -0.011280104256235213,
};

const FOUR_QUBITS: Readonly<Record<string, number>> = {
  IIII: -0.8105479805373279,
  IIIZ: -0.225753492224024,
  IIZI: 0.17218393261915554,
  IIZZ: 0.1209126326177663,
  IZII: -0.225753492224024,
  IZIZ: 0.17464343068300442,
  IZZI: 0.1661454325638242,
  XXXX: 0.04523279994605788,
  XXYY: 0.04523279994605788,
  YYXX: 0.04523279994605788,
  YYYY: 0.04523279994605788,
  ZIII: 0.17218393261915554,
  ZIIZ: 0.1661454325638242,
  ZIZI: 0.16892753870087918,
  ZZII: 0.1209126326177663,
};

function bonds(who: string, qubits: number, periodic: boolean): [number, number][] {
  if (!(Number.isSafeInteger(qubits) && qubits >= 2 && qubits <= 30)) {
    throw new ArgumentError(`${who}: qubits must be a whole number from 2 to 30, got ${qubits}.`);
  }
  const chain: [number, number][] = Array.from({ length: qubits - 1 }, (_, i) => [i, i + 1]);
  return periodic && qubits > 2 ? [...chain, [qubits - 1, 0]] : chain;
}

function each(qubits: number, term: (i: number) => PauliTerm): PauliTerm[] {
  return Array.from({ length: qubits }, (_, i) => term(i));
}

function at(qubits: number, letter: string, where: readonly number[], coefficient: number): PauliTerm {
  const pauli = Array.from({ length: qubits }, (_, q) => (where.includes(q) ? letter : 'I')).join('');
  return { pauli, coefficient };
}
