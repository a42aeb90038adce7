/** The variational quantum eigensolver, eq. 2 of the paper. */
import type { Circuit } from '../circuit/circuit.ts';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import { finish, finishAsync } from '../stepping.ts';
import type { MeasuredOptions } from './measured-objective.ts';
import type { ExcitedStates, MethodOptions } from './sequential.ts';
import { deflating } from './vqd.ts';

/** Options of {@link vqe}. */
export interface VqeOptions extends MethodOptions, MeasuredOptions {}

/**
 * The ground state.
 *
 * @throws ArgumentError as `quantumGame`.
 */
export function vqe(hamiltonian: PauliSum, ansatz: Circuit, options: VqeOptions): ExcitedStates {
  return finish(deflating('vqe', hamiltonian, ansatz, 1, options));
}

/** {@link vqe} with turns of the event loop between its iterations; see `quantumGameAsync`. */
export async function vqeAsync(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  options: VqeOptions,
): Promise<ExcitedStates> {
  return finishAsync(deflating('vqe', hamiltonian, ansatz, 1, options));
}
