/**
 * Orthogonal state reduction (Xie, Liu and Zhao 2022, doi:10.1021/acs.jctc.2c00159), which the paper names only: the
 * states below are taken out of the trial state, and the energy of what is left is minimised,
 * (⟨H⟩ − Σ E_j |⟨j|ψ⟩|²) / (1 − Σ |⟨j|ψ⟩|²).
 *
 * Deviations: the quotient is formed from measured overlaps, without the ancilla that projects the state.
 */
import type { Circuit } from '../circuit/circuit.ts';
import { countGroups } from '../hamiltonian/commuting-groups.ts';
import { differencedObjective } from '../gradients/finite-differences.ts';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import type { Objective } from '../optimizers/optimizer.ts';
import { addScaled, innerProduct } from '../simulator/inner-product.ts';
import type { Simulator } from '../simulator/simulator.ts';
import { finish, finishAsync, type Steps } from '../stepping.ts';
import type { Level } from './level.ts';
import { inSequence, type ExcitedStates, type MethodOptions } from './sequential.ts';

/** Options of {@link osrve}. */
export type OsrveOptions = MethodOptions;

/**
 * The lowest levels, each in what the levels below leave.
 *
 * @throws ArgumentError as `quantumGame`.
 */
export function osrve(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  count: number,
  options: OsrveOptions,
): ExcitedStates {
  return finish(reducing(hamiltonian, ansatz, count, options));
}

/** {@link osrve} with turns of the event loop between its iterations; see `quantumGameAsync`. */
export async function osrveAsync(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  count: number,
  options: OsrveOptions,
): Promise<ExcitedStates> {
  return finishAsync(reducing(hamiltonian, ansatz, count, options));
}

function* reducing(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  count: number,
  options: OsrveOptions,
): Steps<ExcitedStates> {
  const groups = countGroups(hamiltonian);
  return yield* inSequence(
    hamiltonian,
    ansatz,
    count,
    {
      who: 'osrve',
      objective(simulator, below) {
        const exact = reduced(simulator, hamiltonian, below);
        return options.gradient === 'finite-differences'
          ? differencedObjective(exact.size, exact.value)
          : exact;
      },
      finish: withoutBelow,
      circuits: (below) => groups + below,
    },
    options,
  );
}

function reduced(simulator: Simulator, hamiltonian: PauliSum, below: readonly Level[]): Objective {
  const flat = below.map(({ state }) => ({ state, weight: 0 }));
  const quotient = (x: Float64Array): { readonly value: number; readonly rest: number } => {
    const { energy, overlaps } = simulator.evaluate(x, hamiltonian, undefined, { projectors: flat });
    const rest = Math.max(1e-12, overlaps.reduce((left, overlap) => left - overlap, 1)); // prettier-ignore
    const top = overlaps.reduce((sum, overlap, j) => sum - below[j]!.energy * overlap, energy);
    return { value: top / rest, rest };
  };
  return {
    size: simulator.circuit.parameters,
    value: (x) => quotient(x).value,
    gradient(x, into) {
      const { value, rest } = quotient(x);
      // d(N/D) = (dN − (N/D) dD) / D
      const projectors = below.map(({ state, energy }) => ({ state, weight: value - energy }));
      simulator.evaluate(x, hamiltonian, into, { projectors });
      for (let i = 0; i < into.length; i++) into[i]! /= rest;
      return value;
    },
  };
}

function withoutBelow(state: Float64Array, below: readonly Level[]): Float64Array {
  for (const level of below) {
    const [re, im] = innerProduct(level.state, state);
    addScaled(state, level.state, -re, -im);
  }
  const norm = Math.sqrt(innerProduct(state, state)[0]);
  return norm > 0 ? state.map((value) => value / norm) : state;
}
