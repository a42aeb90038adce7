import { ArgumentError } from '@ockham/core';
import { parameter } from '../circuit/angle.ts';
import { Circuit } from '../circuit/circuit.ts';

/** Options of {@link excitationPreserving}. */
export interface ExcitationPreservingOptions {
  /** Index of the basis state to start from; its number of ones is kept. */
  readonly initial: number;
  /** Pairs (q, q + 1), or every pair. Default `linear`. */
  readonly entanglement?: 'linear' | 'full';
  /** Default 2. */
  readonly repetitions?: number;
}

/**
 * RZ on every qubit and exp(−iθ(XX + YY)/2) on pairs: it moves excitations and never makes or loses one, so that it
 * stays among the states with as many electrons as `initial`.
 */
export function excitationPreserving(qubits: number, options: ExcitationPreservingOptions): Circuit {
  const { initial, entanglement = 'linear', repetitions = 2 } = options;
  const circuit = new Circuit(qubits);
  if (!(Number.isSafeInteger(initial) && initial >= 0 && initial < 2 ** qubits)) {
    throw new ArgumentError(
      `excitationPreserving: initial must be a basis state in [0, ${2 ** qubits - 1}], got ${initial}.`,
    );
  }
  for (let q = 0; q < qubits; q++) if ((initial >>> q) & 1) circuit.x(q);
  let next = 0;
  const phases = (): void => {
    for (let q = 0; q < qubits; q++) circuit.rz(parameter(next++), q);
  };
  phases();
  for (let layer = 0; layer < repetitions; layer++) {
    for (let i = 0; i < qubits - 1; i++) {
      const end = entanglement === 'full' ? qubits - 1 : i + 1;
      for (let j = i + 1; j <= end; j++) {
        const theta = parameter(next++);
        circuit.pauliRotation('XX', theta, [i, j]).pauliRotation('YY', theta, [i, j]);
      }
    }
    phases();
  }
  return circuit;
}
