/** The game in workers, whoever starts them. */
import { ArgumentError, throwIfAborted, type ProgressEvent } from '@ockham/core';
import type { LaunchOptions } from '@ockham/core/comm';
import type { Circuit } from '../circuit/circuit.ts';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import {
  checkParallel,
  type ParallelQuantumGameOptions,
  type ParallelStates,
} from '../methods/parallel-quantum-game.ts';
import { checkMemory } from '../simulator/memory.ts';
import { optimizerOf, type OptimizerChoice } from './optimizer-choice.ts';
import { taskOf, type RankStates } from './task.ts';

/** Options of `playInWorkers`. */
export interface WorkersOptions extends Omit<ParallelQuantumGameOptions, 'seed' | 'optimizer'> {
  /** Required: starting points are drawn from it. */
  readonly seed: number;
  /** In [1, levels]; the players are shared out among them. Default: as many as players, and at most one for each core. */
  readonly workers?: number;
  /** Default `['lbfgs']`. */
  readonly optimizer?: OptimizerChoice;
  /**
   * Milliseconds in a round that workers wait for one that is alive before it counts as hung. Default 600,000. One that
   * died is noticed at once.
   */
  readonly deadline?: number;
}

/** What `playInWorkers` resolves to. */
export interface WorkersStates extends ParallelStates {
  /** That the workers sent each other. */
  readonly bytes: number;
}

/** Starts ranks with the task as their data. */
export type StartWorkers = (workers: number, options: LaunchOptions) => Promise<RankStates[]>;

/** Shared memory that the messages of a round pass through, in bytes; pages that are not touched cost nothing. */
const MEMORY = 2 ** 27;

/** Checks everything, then plays in workers. */
export async function play(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  levels: number,
  options: WorkersOptions,
  cores: number,
  start: StartWorkers,
): Promise<WorkersStates> {
  const who = 'playInWorkers';
  const { workers = Math.max(1, Math.min(levels, cores)), optimizer, deadline = 600_000, progress, signal, ...rest } = options ?? {}; // prettier-ignore
  const made = optimizerOf(who, optimizer);
  checkParallel(who, hamiltonian, ansatz, levels, { ...rest, optimizer: made });
  if (typeof rest.seed !== 'number')
    throw new ArgumentError(
      `${who}: seed must be a number, as generators cannot be sent to workers, got one.`,
    );
  if (!(Number.isSafeInteger(workers) && workers >= 1 && workers <= levels)) {
    throw new ArgumentError(
      `${who}: workers must be a whole number in [1, levels] = [1, ${levels}], as a player is not shared, got ${workers}.`,
    );
  }
  checkMemory(who, ansatz.qubits, 2);
  throwIfAborted(signal, who);
  const starts = rest.starts?.map((start) => Float64Array.from(start));
  const channel = progress && new BroadcastChannel(`@ockham/quantum-game ${crypto.randomUUID()}`);
  if (channel) channel.onmessage = ({ data }: { readonly data: ProgressEvent }) => progress(data);
  try {
    const data = taskOf(hamiltonian, ansatz, {
      levels,
      options: { ...rest, ...(starts && { starts }) },
      optimizer,
      channel: channel?.name,
    });
    const ranks = await start(workers, { data, deadline, memory: MEMORY, ...(signal && { signal }) });
    const bytes = ranks.reduce((sum, { sent }) => sum + sent, 0);
    return { ...ranks[0]!.states!, bytes };
  } finally {
    channel?.close();
  }
}
