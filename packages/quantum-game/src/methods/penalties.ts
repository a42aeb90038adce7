/** The weights β_j of VQD's penalty (eq. 3), by rule. */
import { ArgumentError } from '@ockham/core';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import { automaticShift } from './shift.ts';

/**
 * `number`: a constant. `coefficients`: 10 Σ|c|, identity included. `energy`: −E_j, which makes eq. 3 the printed eq. 8.
 * `spread`: 2 (E_max − E_j), with E_max bounded by c_I + Σ_{P≠I}|c_P|.
 */
export type Penalty = number | 'coefficients' | 'energy' | 'spread';

/** β_j for a level with energy `energy`. */
export function penaltyWeight(who: string, penalty: Penalty, hamiltonian: PauliSum, energy: number): number {
  switch (penalty) {
    case 'coefficients':
      return 10 * (Math.abs(hamiltonian.constant) + hamiltonian.oneNorm);
    case 'energy':
      return -energy;
    case 'spread':
      return 2 * (automaticShift(hamiltonian) - energy);
    default:
      if (typeof penalty === 'number' && Number.isFinite(penalty)) return penalty;
      throw new ArgumentError(
        `${who}: penalty must be a finite number, 'coefficients', 'energy' or 'spread', got ${penalty}.`,
      );
  }
}
