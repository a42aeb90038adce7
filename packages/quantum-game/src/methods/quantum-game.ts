/**
 * QuantumGame: each level is a player that lowers its energy and its mixed energies with the players below (eq. 8),
 * here one after another.
 *
 * Deviations: eq. 8 is right only while every wanted level is negative, so H is shifted by −c first, and the shift is
 * undone in the answer; `shift: 0` is the printed form. The gradient, which the paper leaves open, is that of
 * H − Σ H|j⟩⟨j|H / ⟨j|H|j⟩ in the state, by the adjoint method.
 */
import { ArgumentError } from '@ockham/core';
import type { Circuit } from '../circuit/circuit.ts';
import { countGroups } from '../hamiltonian/commuting-groups.ts';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import { xGroups } from '../hamiltonian/x-groups.ts';
import { multiply } from '../hamiltonian/multiply.ts';
import { spsa } from '../optimizers/spsa.ts';
import { finish, finishAsync, type Steps } from '../stepping.ts';
import { measuredObjective, measurementOf, type MeasuredOptions } from './measured-objective.ts';
import { inSequence, objectiveOf, type ExcitedStates, type MethodOptions } from './sequential.ts';
import { resolveShift } from './shift.ts';

/** Options of {@link quantumGame}. */
export interface QuantumGameOptions extends MethodOptions, MeasuredOptions {
  /**
   * c of H − c: a number above the largest wanted level. Default `auto`, c_I + Σ_{P≠I}|c_P|; 0 is the printed form,
   * which finds only levels below 0.
   */
  readonly shift?: number | 'auto';
}

/**
 * The lowest levels of a Hamiltonian, as players of eq. 8 in turn.
 *
 * @param levels How many, from 1 to 2ⁿ.
 * @throws ArgumentError for a Hamiltonian that is not Hermitian or of another size than the ansatz, for too many
 *   levels, or, with a shift of one's own, where a level comes out at or above it.
 *
 * @example
 * const { levels } = quantumGame(hydrogen(), realAmplitudes(2), 3, { seed: 7 });
 */
export function quantumGame(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  levels: number,
  options: QuantumGameOptions,
): ExcitedStates {
  return finish(playingInTurn(hamiltonian, ansatz, levels, options));
}

/**
 * {@link quantumGame} with turns of the event loop between its iterations: a page stays alive, progress is shown, and
 * `signal` can be set by a timer or a button. The numbers are the same.
 *
 * @example
 * const stop = new AbortController();
 * button.onclick = () => stop.abort();
 * const found = await quantumGameAsync(hydrogen(), realAmplitudes(2), 3, { seed: 7, signal: stop.signal });
 */
export async function quantumGameAsync(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  levels: number,
  options: QuantumGameOptions,
): Promise<ExcitedStates> {
  return finishAsync(playingInTurn(hamiltonian, ansatz, levels, options));
}

function* playingInTurn(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  levels: number,
  options: QuantumGameOptions,
): Steps<ExcitedStates> {
  const shift = resolveShift('quantumGame', options?.shift ?? 'auto', hamiltonian);
  const shifted = hamiltonian.shifted(-shift);
  const groups = countGroups(hamiltonian);
  const measured = measurementOf('quantumGame', options);
  const found = yield* inSequence(
    shifted,
    ansatz,
    levels,
    {
      who: 'quantumGame',
      objective(simulator, below) {
        const weights = below.map(({ energy }) => {
          if (energy < 0) return -1 / energy;
          throw new ArgumentError(
            `quantumGame: every level must lie below the shift, as eq. 8 divides by ⟨H − shift⟩; got a level at ${energy + shift} ` +
              `with shift ${shift}. Leave out shift, or raise it.`,
          );
        });
        if (measured) {
          const parents = below.map((level, j) => ({ level, weight: weights[j]!, kind: 'mixed' as const }));
          return measuredObjective(shifted, ansatz, parents, measured.shots, measured.random.stream(`level ${below.length}`)); // prettier-ignore
        }
        const projectors = below.map(({ state }, j) => {
          const product = new Float64Array(state.length);
          multiply(xGroups(shifted), state, product);
          return { state: product, weight: weights[j]! };
        });
        return objectiveOf(simulator, shifted, projectors, options);
      },
      // two circuits, Re and Im, for each group of each mixed energy
      circuits: (below) => groups * (1 + 2 * below),
      ...(measured && { shots: measured.shots.shots }),
    },
    measured ? { optimizer: spsa({ seed: options.seed }), ...options } : options,
  );
  return {
    ...found,
    levels: found.levels.map((level) => ({ ...level, energy: level.energy + shift })),
    certificate: {
      ...found.certificate,
      intervals: found.certificate.intervals.map(([low, high]) => [low + shift, high + shift] as const),
      probe: found.certificate.probe && { ...found.certificate.probe, energy: found.certificate.probe.energy + shift }, // prettier-ignore
    },
  };
}
