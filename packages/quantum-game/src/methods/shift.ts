import { ArgumentError } from '@ockham/core';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';

/**
 * The shift of eq. 8 that needs no knowledge of the spectrum: c = c_I + Σ_{P≠I}|c_P|, above which no eigenvalue can be.
 * H + const changes nothing.
 */
export function automaticShift(hamiltonian: PauliSum): number {
  return hamiltonian.constant + hamiltonian.oneNorm;
}

/** @throws ArgumentError where the shift is no finite number. */
export function resolveShift(who: string, shift: number | 'auto', hamiltonian: PauliSum): number {
  if (shift === 'auto') return automaticShift(hamiltonian);
  if (Number.isFinite(shift)) return shift;
  throw new ArgumentError(
    `${who}: shift must be 'auto' or a finite number, got ${shift}. 0 is the printed form of eq. 8.`,
  );
}
