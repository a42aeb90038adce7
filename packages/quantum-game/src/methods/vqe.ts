/** The variational quantum eigensolver, eq. 2 of the paper. */
import type { Circuit } from '../circuit/circuit.ts';
import { countGroups } from '../hamiltonian/commuting-groups.ts';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import { runSequential, type ExcitedStates, type MethodOptions } from './sequential.ts';

/** Options of {@link vqe}. */
export type VqeOptions = MethodOptions;

/**
 * The ground state.
 *
 * @throws ArgumentError as `quantumGame`.
 */
export function vqe(hamiltonian: PauliSum, ansatz: Circuit, options: VqeOptions): ExcitedStates {
  const groups = countGroups(hamiltonian);
  return runSequential(
    hamiltonian,
    ansatz,
    1,
    { who: 'vqe', project: ({ state }) => ({ state, weight: 0 }), circuits: () => groups },
    options,
  );
}
