import { shareOf, type Communicator } from '@ockham/core/comm';
import type { Circuit } from '../circuit/circuit.ts';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import {
  checkParallel,
  type ParallelQuantumGameOptions,
  type ParallelStates,
} from '../methods/parallel-quantum-game.ts';
import { playRounds } from '../methods/players.ts';
import { breather } from '../stepping.ts';

/**
 * `parallelQuantumGame` with the players shared out among the ranks of a communicator, in order, as equally as can be.
 * Every rank calls it with the same arguments and gets the same result: on one engine the bits of the game in one process,
 * whatever the number of ranks. Ranks beyond the players look on.
 *
 * Once a round each rank sends the others 8 bytes, and 8 · (parameters + 7) for each player of its own that moved: angles,
 * value, energy, residual, calls. States are not sent, each rank makes those that its players need from the angles.
 * `communicator.ledger` counts the bytes.
 *
 * `progress` and `signal` may differ from rank to rank: where the signal of one rank fires, all stop after the same round.
 *
 * @throws ArgumentError as `parallelQuantumGame`, on every rank; CommError once a rank died, threw or hung; AbortedError.
 *
 * @example
 * // game.ts: `mpirun -n 3 node game.ts`, or `launch(3, new URL('./game.ts', import.meta.url))`
 * import { runRank } from '@ockham/core/comm/node';
 * await runRank((comm) => parallelQuantumGameOn(comm, hydrogen(), realAmplitudes(2), 3, { seed: 7 }));
 */
export async function parallelQuantumGameOn(
  communicator: Communicator,
  hamiltonian: PauliSum,
  ansatz: Circuit,
  count: number,
  options: ParallelQuantumGameOptions,
): Promise<ParallelStates> {
  checkParallel('parallelQuantumGameOn', hamiltonian, ansatz, count, options);
  const { rank, size, transport } = communicator;
  const shares = Array.from({ length: size }, (_, r) => shareOf(count, r, size));
  const rounds = playRounds(hamiltonian, ansatz, count, options, { rank, shares });
  const breathe = breather();
  for (;;) {
    const step = rounds.next();
    if (step.done) return step.value;
    if (step.value) await communicator.allGather(step.value.part, step.value.whole);
    if (transport !== 'simulate') await breathe(); // a virtual clock knows of no other event
  }
}
