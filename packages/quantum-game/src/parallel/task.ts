/** What workers are told of a game, and what they do with it. */
import type { Communicator } from '@ockham/core/comm';
import type { ProgressEvent } from '@ockham/core';
import { Circuit, type Operation } from '../circuit/circuit.ts';
import { PauliSum, type PauliTerm } from '../hamiltonian/pauli-sum.ts';
import type { ParallelQuantumGameOptions, ParallelStates } from '../methods/parallel-quantum-game.ts';
import { optimizerOf, type OptimizerChoice } from './optimizer-choice.ts';
import { parallelQuantumGameOn } from './parallel-quantum-game-on.ts';

/** A game as plain data, which can be cloned. */
export interface Task {
  readonly qubits: number;
  readonly terms: readonly PauliTerm[];
  readonly operations: readonly Operation[];
  readonly levels: number;
  readonly options: Omit<ParallelQuantumGameOptions, 'optimizer' | 'progress' | 'signal'>;
  readonly optimizer: OptimizerChoice | undefined;
  /** Name of the channel that rank 0 tells its progress on; undefined where nobody listens. */
  readonly channel: string | undefined;
}

/** What a rank returns. */
export interface RankStates {
  /** Of rank 0. */
  readonly states: ParallelStates | undefined;
  /** Bytes that it sent to others. */
  readonly sent: number;
}

/** The game as plain data. */
export function taskOf(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  rest: Pick<Task, 'levels' | 'options' | 'optimizer' | 'channel'>,
): Task {
  return { qubits: ansatz.qubits, terms: hamiltonian.terms, operations: ansatz.operations, ...rest };
}

/** Plays a task on this rank. */
export async function playTask(communicator: Communicator, task: Task): Promise<RankStates> {
  const { qubits, terms, operations, levels, options, optimizer, channel } = task;
  const hamiltonian = PauliSum.from([...terms, { pauli: 'I'.repeat(qubits), coefficient: 0 }]); // a sum of no terms too
  const ansatz = new Circuit(qubits);
  for (const operation of operations) ansatz.add(operation);
  const first = communicator.rank === 0;
  const told = first && channel !== undefined ? new BroadcastChannel(channel) : undefined;
  try {
    const states = await parallelQuantumGameOn(communicator, hamiltonian, ansatz, levels, {
      ...options,
      optimizer: optimizerOf('playInWorkers', optimizer),
      ...(told && { progress: (event: ProgressEvent) => told.postMessage(event) }),
    });
    return { states: first ? states : undefined, sent: communicator.ledger.total().sent };
  } finally {
    told?.close();
  }
}
