/** Variational quantum deflation (Higgott, Wang and Brierley 2019), eq. 3 of the paper. */
import type { Circuit } from '../circuit/circuit.ts';
import { countGroups } from '../hamiltonian/commuting-groups.ts';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import { penaltyWeight, type Penalty } from './penalties.ts';
import { runSequential, type ExcitedStates, type MethodOptions } from './sequential.ts';

/** Options of {@link vqd}. */
export interface VqdOptions extends MethodOptions {
  /** β_j of eq. 3. Default `spread`, 2 (E_max − E_j), which is above every gap whatever the Hamiltonian. */
  readonly penalty?: Penalty;
}

/**
 * The lowest levels, each kept from those below by a penalty on the overlap.
 *
 * @param levels How many, from 1 to 2ⁿ.
 * @throws ArgumentError as `quantumGame`.
 */
export function vqd(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  levels: number,
  options: VqdOptions,
): ExcitedStates {
  const penalty = options?.penalty ?? 'spread';
  penaltyWeight('vqd', penalty, hamiltonian, 0);
  const groups = countGroups(hamiltonian);
  return runSequential(
    hamiltonian,
    ansatz,
    levels,
    {
      who: 'vqd',
      project: ({ state, energy }) => ({
        state,
        weight: penaltyWeight('vqd', penalty, hamiltonian, energy),
      }),
      circuits: (below) => groups + below,
    },
    options,
  );
}
