/** The variational quantum eigensolver, eq. 2 of the paper. */
import type { Circuit } from '../circuit/circuit.ts';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import type { MeasuredOptions } from './measured-objective.ts';
import type { ExcitedStates, MethodOptions } from './sequential.ts';
import { deflate } from './vqd.ts';

/** Options of {@link vqe}. */
export interface VqeOptions extends MethodOptions, MeasuredOptions {}

/**
 * The ground state.
 *
 * @throws ArgumentError as `quantumGame`.
 */
export function vqe(hamiltonian: PauliSum, ansatz: Circuit, options: VqeOptions): ExcitedStates {
  return deflate('vqe', hamiltonian, ansatz, 1, options);
}
