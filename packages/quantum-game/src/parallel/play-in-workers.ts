import { launch, runRank, type PageScript } from '@ockham/core/comm';
import type { Circuit } from '../circuit/circuit.ts';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import { play, type WorkersOptions, type WorkersStates } from './play.ts';
import { playTask, type RankStates, type Task } from './task.ts';

/** Options of {@link playInWorkers} in a page. */
export interface PageWorkersOptions extends WorkersOptions {
  /**
   * A module that calls {@link playersOfPage}, and nothing else: `() => new Worker(new URL('./players.ts', import.meta.url),
   * { type: 'module' })`, which bundlers follow, or its address.
   */
  readonly script: PageScript;
}

/**
 * `parallelQuantumGame` in workers of this page, which must be cross-origin isolated and stays free meanwhile; the same
 * numbers. In Node the one of `@ockham/quantum-game/parallel/node` needs no script.
 *
 * `signal` ends the workers at once; `progress` is told of each round.
 *
 * @throws ArgumentError as `parallelQuantumGame`, before a worker starts; CommError once a worker died, threw or hung, its
 *   `cause` what that one threw; AbortedError.
 *
 * @example
 * // players.ts
 * import { playersOfPage } from '@ockham/quantum-game/parallel';
 * await playersOfPage();
 * // main.ts
 * const script = () => new Worker(new URL('./players.ts', import.meta.url), { type: 'module' });
 * const { levels } = await playInWorkers(hydrogen(), realAmplitudes(2), 3, { seed: 7, script });
 */
export async function playInWorkers(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  levels: number,
  options: PageWorkersOptions,
): Promise<WorkersStates> {
  const { script, ...rest } = options ?? {};
  return play(hamiltonian, ansatz, levels, rest, navigator.hardwareConcurrency, (workers, launching) =>
    launch<RankStates>(workers, script, launching),
  );
}

/** What a worker of {@link playInWorkers} does: to be called by its script. */
export async function playersOfPage(): Promise<void> {
  await runRank<RankStates, Task>(playTask);
}
