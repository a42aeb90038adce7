import type { XGroup } from '../hamiltonian/x-groups.ts';

/**
 * Two states in memory and what is done to them in place, for one list of primitives. The compiled kernels and their
 * TypeScript twin both are one.
 */
export interface Backend {
  /** `[2 · 2ⁿ]`, real and imaginary parts interleaved. */
  readonly psi: Float64Array;
  /** As `psi`. */
  readonly lambda: Float64Array;
  /** Runs the primitives on `psi`, with an angle for each. */
  forward(angles: Float64Array): void;
  /** `lambda = H psi`; returns ⟨psi|H|psi⟩. */
  multiply(groups: readonly XGroup[]): number;
  /** Undoes the primitives on both, last first, and writes 2 Re⟨lambda|∂psi⟩ for each angle into `terms`. */
  backward(angles: Float64Array, terms: Float64Array): void;
}
