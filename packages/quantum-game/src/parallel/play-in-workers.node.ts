import { availableParallelism } from 'node:os';
import { launch } from '@ockham/core/comm/node';
import type { Circuit } from '../circuit/circuit.ts';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import { play, type WorkersOptions, type WorkersStates } from './play.ts';
import { PLAYERS } from './players-script.node.ts';
import type { RankStates } from './task.ts';

/**
 * `parallelQuantumGame` in worker threads, while the event loop of this one goes on; the same numbers.
 *
 * `signal` ends the workers at once; `progress` is told of each round.
 *
 * @throws ArgumentError as `parallelQuantumGame`, before a worker starts; CommError once a worker died, threw or hung, its
 *   `cause` what that one threw; AbortedError.
 *
 * @example
 * const { levels, bytes } = await playInWorkers(hydrogen(), realAmplitudes(2), 3, { seed: 7, workers: 2 });
 */
export async function playInWorkers(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  levels: number,
  options: WorkersOptions,
): Promise<WorkersStates> {
  return play(hamiltonian, ansatz, levels, options, availableParallelism(), (workers, launching) =>
    launch<RankStates>(workers, PLAYERS, launching),
  );
}
