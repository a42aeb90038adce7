/**
 * QuantumGame with all players at once (Section 5 leaves it open): in each round every player takes one step against the
 * states that the players below had at the round's beginning.
 *
 * Section 6 asks when a player is good enough for those above to begin. Here a player begins when the one below has a
 * small enough residual, or no longer improves; its penalty can grow with the age of the players below; it rests once its
 * residual is below the tolerance and those below rest.
 */
import { ArgumentError } from '@ockham/core';
import type { Circuit } from '../circuit/circuit.ts';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import { finish, finishAsync, type Steps } from '../stepping.ts';
import type { MeasuredOptions } from './measured-objective.ts';
import { playRounds } from './players.ts';
import type { QuantumGameOptions } from './quantum-game.ts';
import { checkMethod, type ExcitedStates } from './sequential.ts';
import { resolveShift } from './shift.ts';

/** Options of {@link parallelQuantumGame}. */
export interface ParallelQuantumGameOptions extends Omit<
  QuantumGameOptions,
  'gradient' | 'maxCalls' | 'trace' | keyof MeasuredOptions
> {
  /** A player begins when the one below has a residual below this, in the Hamiltonian's unit. Default Infinity: at once. */
  readonly startResidual?: number;
  /** A player also begins when the one below improves by less than this in a round; −Infinity for never. Default 1e-4. */
  readonly plateau?: number;
  /** Rounds after which a player's penalty on those above has its full weight; 0 for at once. Default 0. */
  readonly maturity?: number;
  /** Default 2,000. */
  readonly maxRounds?: number;
}

/** What {@link parallelQuantumGame} found. */
export interface ParallelStates extends ExcitedStates {
  /** Rounds until the last player rested: the time on as many devices as players. */
  readonly rounds: number;
}

/**
 * The lowest levels by players that move at the same time, here in turns of one thread. `parallelQuantumGameOn` and
 * `playInWorkers` of `@ockham/quantum-game/parallel` share the players out, with the same numbers.
 *
 * @throws ArgumentError as `quantumGame`; AbortedError between rounds.
 */
export function parallelQuantumGame(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  count: number,
  options: ParallelQuantumGameOptions,
): ParallelStates {
  return finish(playingAlone(hamiltonian, ansatz, count, options));
}

/** {@link parallelQuantumGame} with turns of the event loop between its rounds; see `quantumGameAsync`. */
export async function parallelQuantumGameAsync(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  count: number,
  options: ParallelQuantumGameOptions,
): Promise<ParallelStates> {
  return finishAsync(playingAlone(hamiltonian, ansatz, count, options));
}

function* playingAlone(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  count: number,
  options: ParallelQuantumGameOptions,
): Steps<ParallelStates> {
  checkParallel('parallelQuantumGame', hamiltonian, ansatz, count, options);
  const rounds = playRounds(hamiltonian, ansatz, count, options, { rank: 0, shares: [[0, count]] });
  for (;;) {
    const step = rounds.next();
    if (step.done) return step.value;
    yield; // the part of a rank alone is the whole
  }
}

/** @throws ArgumentError for what the parallel game cannot work with. */
export function checkParallel(
  who: string,
  hamiltonian: PauliSum,
  ansatz: Circuit,
  count: number,
  options: ParallelQuantumGameOptions & MeasuredOptions,
): void {
  checkMethod(who, hamiltonian, ansatz, count, options);
  const { startResidual = Infinity, plateau = 1e-4, maturity = 0, maxRounds = 2_000, shots } = options;
  if (!(maxRounds >= 1) || !(maturity >= 0) || !(startResidual >= 0) || Number.isNaN(plateau)) {
    throw new ArgumentError(
      `${who}: maxRounds must be at least 1, maturity and startResidual at least 0 and plateau a number, got ` +
        `${maxRounds}, ${maturity}, ${startResidual} and ${plateau}.`,
    );
  }
  if (shots !== undefined)
    throw new ArgumentError(`${who}: expectations are exact, got ${shots} shots. Use quantumGame for shots.`);
  resolveShift(who, options.shift ?? 'auto', hamiltonian);
}
