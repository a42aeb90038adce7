/**
 * ⟨φ|H|ψ⟩ and |⟨φ|ψ⟩|² by circuits (Section 3.3 and Figure 2), each named for what it really measures.
 *
 * Deviations: Section 3.3 swaps S and no S once; eq. 16 is right, no S gives Re and S gives +Im. The conditional-SWAP
 * circuit of Section 5 does not give the mixed energy: with H on one register it gives Re(⟨ψ|H|φ⟩⟨φ|ψ⟩), with H on both
 * |⟨φ|H|ψ⟩|², which is all that eq. 8 needs.
 */
import { ArgumentError } from '@ockham/core';
import { Circuit } from '../circuit/circuit.ts';
import { PauliSum } from '../hamiltonian/pauli-sum.ts';
import { multiply } from '../hamiltonian/multiply.ts';
import { xGroups } from '../hamiltonian/x-groups.ts';
import { innerProduct } from '../simulator/inner-product.ts';
import { Simulator } from '../simulator/simulator.ts';

/** A circuit and what to measure on it: the expectation is the wanted number. */
export interface MeasuredCircuit {
  /** What is run. */
  readonly circuit: Circuit;
  /** What is measured at its end. */
  readonly observable: PauliSum;
}

/**
 * The circuit of Figure 2, with the ancilla as the last qubit: ⟨H ⊗ Z⟩ is Re⟨φ|H|ψ⟩, or Im with `part: 'im'`, which
 * adds the S gate.
 *
 * @param phi Prepares |φ⟩ from |0…0⟩; without parameters.
 * @param psi Prepares |ψ⟩; its parameters, where it has any, are those of the circuit returned.
 * @throws ArgumentError for circuits of another size than the Hamiltonian, or `phi` with parameters.
 */
export function ancillaCircuit(
  hamiltonian: PauliSum,
  phi: Circuit,
  psi: Circuit,
  options: { readonly part?: 're' | 'im' } = {},
): MeasuredCircuit {
  const { part = 're' } = options;
  const n = checkPair('ancillaCircuit', hamiltonian, phi, psi, true);
  const circuit = new Circuit(n + 1).h(n).x(n).append(psi.controlled(n)).x(n).append(phi.controlled(n));
  if (part === 'im') circuit.s(n);
  return { circuit: circuit.h(n), observable: widened(hamiltonian, 'Z') };
}

/**
 * The conditional-SWAP circuit on two registers and an ancilla, last. ⟨H ⊗ I ⊗ Z⟩ is Re(⟨ψ|H|φ⟩⟨φ|ψ⟩); with
 * `registers: 2`, ⟨H ⊗ H ⊗ Z⟩ is |⟨φ|H|ψ⟩|².
 */
export function conditionalSwapCircuit(
  hamiltonian: PauliSum,
  phi: Circuit,
  psi: Circuit,
  options: { readonly registers?: 1 | 2 } = {},
): MeasuredCircuit {
  const { registers = 1 } = options;
  const n = checkPair('conditionalSwapCircuit', hamiltonian, phi, psi);
  const first = widened(hamiltonian, 'I'.repeat(n) + 'Z');
  const second = registers === 2 ? prefixed(hamiltonian, n) : undefined;
  return { circuit: swapped(phi, psi, n), observable: second ? first.product(second) : first };
}

/** The swap test: ⟨Z⟩ of the ancilla is |⟨φ|ψ⟩|². */
export function swapTestCircuit(phi: Circuit, psi: Circuit): MeasuredCircuit {
  const n = phi.qubits;
  const observable = PauliSum.from([{ pauli: 'I'.repeat(2 * n) + 'Z', coefficient: 1 }]);
  return { circuit: swapped(phi, psi, n), observable };
}

/** Compute and uncompute: the probability of measuring 0…0 is |⟨φ|ψ⟩|². */
export function uncomputeCircuit(phi: Circuit, psi: Circuit): Circuit {
  return new Circuit(phi.qubits).append(psi).append(phi.inverse());
}

/** ⟨φ|H|ψ⟩ itself, real and imaginary part. */
export function mixedEnergy(hamiltonian: PauliSum, phi: Circuit, psi: Circuit): [number, number] {
  checkPair('mixedEnergy', hamiltonian, phi, psi);
  const right = new Simulator(psi).run([]).slice();
  const product = new Float64Array(right.length);
  multiply(xGroups(hamiltonian), right, product);
  return innerProduct(new Simulator(phi).run([]), product);
}

function swapped(phi: Circuit, psi: Circuit, n: number): Circuit {
  const shift = Array.from({ length: n }, (_, q) => n + q);
  const circuit = new Circuit(2 * n + 1)
    .append(psi)
    .append(phi, shift)
    .h(2 * n);
  for (let q = 0; q < n; q++) circuit.cswap(2 * n, q, n + q);
  return circuit.h(2 * n);
}

/** H ⊗ letters, on qubits after those of H. */
function widened(hamiltonian: PauliSum, letters: string): PauliSum {
  return PauliSum.from(hamiltonian.terms.map(({ pauli, ...rest }) => ({ pauli: pauli + letters, ...rest })));
}

/** I ⊗ H ⊗ I on the second register. */
function prefixed(hamiltonian: PauliSum, n: number): PauliSum {
  return PauliSum.from(
    hamiltonian.terms.map(({ pauli, ...rest }) => ({ pauli: `${'I'.repeat(n)}${pauli}I`, ...rest })),
  );
}

function checkPair(
  who: string,
  hamiltonian: PauliSum,
  phi: Circuit,
  psi: Circuit,
  freePsi: boolean = false,
): number {
  const n = hamiltonian.qubits;
  if (phi.qubits !== n || psi.qubits !== n || phi.parameters + (freePsi ? 0 : psi.parameters) > 0) {
    throw new ArgumentError(
      `${who}: both circuits must be bound and have the Hamiltonian's ${n} qubits, got ${phi.qubits} and ${psi.qubits} ` +
        `qubits with ${phi.parameters} and ${psi.parameters} parameters.`,
    );
  }
  return n;
}
