/** What a transport has to do; `front.ts` makes a {@link Communicator} of it. Arguments are checked before. */
import type { CommArray, CommArrays, CommType, ReduceOp, Transport } from './communicator.ts';
import type { CommOperation } from './ledger.ts';

export type Collective = Exclude<CommOperation, 'send' | 'recv'>;

/** A call of a collective operation by one rank. */
export interface Call {
  readonly operation: Collective;
  readonly type: CommType;
  readonly op: ReduceOp;
  readonly order: 'rank' | 'any';
  readonly root: number;
  /** What this rank gives: nothing, one array, or one for each rank in an `allToAll`. */
  readonly send: readonly CommArray[];
  /** Where this rank gets, likewise. A reduction in place has the same array in both. */
  readonly receive: readonly CommArray[];
}

/** One rank's end of a transport. What is done when a method returns needs no promise: that saves microseconds. */
export interface Carrier {
  readonly rank: number;
  readonly size: number;
  readonly transport: Transport;
  collective(call: Call): void | Promise<void>;
  send(x: CommArray, to: number, tag: number): void | Promise<void>;
  recv(x: CommArray, from: number, tag: number): void | Promise<void>;
  alloc<K extends CommType>(type: K, length: number): CommArrays[K];
  free(array: CommArray): void;
  split(color: number | undefined, key: number): Carrier | undefined | Promise<Carrier | undefined>;
  close(): void | Promise<void>;
}
