/** Variational quantum deflation (Higgott, Wang and Brierley 2019), eq. 3 of the paper. */
import type { Circuit } from '../circuit/circuit.ts';
import { countGroups } from '../hamiltonian/commuting-groups.ts';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import { penaltyWeight, type Penalty } from './penalties.ts';
import { spsa } from '../optimizers/spsa.ts';
import { finish, finishAsync, type Steps } from '../stepping.ts';
import type { Level } from './level.ts';
import { measuredObjective, measurementOf, type MeasuredOptions } from './measured-objective.ts';
import { inSequence, objectiveOf, type ExcitedStates, type MethodOptions } from './sequential.ts';

/** Options of {@link vqd}. */
export interface VqdOptions extends MethodOptions, MeasuredOptions {
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
  return finish(deflating('vqd', hamiltonian, ansatz, levels, options));
}

/** {@link vqd} with turns of the event loop between its iterations; see `quantumGameAsync`. */
export async function vqdAsync(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  levels: number,
  options: VqdOptions,
): Promise<ExcitedStates> {
  return finishAsync(deflating('vqd', hamiltonian, ansatz, levels, options));
}

/** {@link vqd} under the name of who called it, with a pause after each iteration. */
export function* deflating(
  who: string,
  hamiltonian: PauliSum,
  ansatz: Circuit,
  levels: number,
  options: VqdOptions,
): Steps<ExcitedStates> {
  const penalty = options?.penalty ?? 'spread';
  penaltyWeight(who, penalty, hamiltonian, 0);
  const groups = countGroups(hamiltonian);
  const measured = measurementOf(who, options);
  const weightOf = ({ energy }: Level): number => penaltyWeight(who, penalty, hamiltonian, energy);
  return yield* inSequence(
    hamiltonian,
    ansatz,
    levels,
    {
      who,
      objective(simulator, below) {
        if (measured) {
          const parents = below.map((level) => ({
            level,
            weight: weightOf(level),
            kind: 'overlap' as const,
          }));
          return measuredObjective(hamiltonian, ansatz, parents, measured.shots, measured.random.stream(`level ${below.length}`)); // prettier-ignore
        }
        const projectors = below.map((level) => ({ state: level.state, weight: weightOf(level) }));
        return objectiveOf(simulator, hamiltonian, projectors, options);
      },
      circuits: (below) => groups + below,
      ...(measured && { shots: measured.shots.shots }),
    },
    measured ? { optimizer: spsa({ seed: options.seed }), ...options } : options,
  );
}
