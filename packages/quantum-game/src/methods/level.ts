import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import { xGroups } from '../hamiltonian/x-groups.ts';
import { innerProduct } from '../simulator/inner-product.ts';
import { multiply } from '../hamiltonian/multiply.ts';

/** One level of a Hamiltonian as a method found it. */
export interface Level {
  /** ⟨ψ|H|ψ⟩, in the Hamiltonian's unit, any shift undone. */
  readonly energy: number;
  /** `[parameters]` of the ansatz. */
  readonly parameters: Float64Array;
  /** `[2 · 2ⁿ]`: the state, interleaved. */
  readonly state: Float64Array;
  /** ⟨H²⟩ − ⟨H⟩², 0 for an eigenstate. */
  readonly variance: number;
  /** √variance: some eigenvalue is within this of `energy`. */
  readonly residual: number;
}

/**
 * A level from its state.
 *
 * @param product `[2 · 2ⁿ]`, overwritten with H|ψ⟩.
 */
export function levelOf(
  hamiltonian: PauliSum,
  parameters: Float64Array,
  state: Float64Array,
  product: Float64Array = new Float64Array(state.length),
): Level {
  const energy = multiply(xGroups(hamiltonian), state, product);
  let variance = 0;
  for (let i = 0; i < state.length; i++) variance += (product[i]! - energy * state[i]!) ** 2;
  return { energy, parameters, state, variance, residual: Math.sqrt(variance) };
}

/** |⟨ψ_i|ψ_j⟩|, row by row. */
export function gramMatrix(levels: readonly Level[]): number[][] {
  return levels.map((a) => levels.map((b) => Math.hypot(...innerProduct(a.state, b.state))));
}
