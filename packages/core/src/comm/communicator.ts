/** How ranks talk: one interface, whatever carries it. */
import type { Ledger } from './ledger.ts';

/** What can be sent. A view of part of a buffer is as good as a whole one; any length, also 0. */
export type CommArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** The element types by name, as {@link Communicator.alloc} takes them. */
export interface CommArrays {
  /** Real numbers of 32 bits. */
  readonly float32: Float32Array;
  /** Real numbers of 64 bits. */
  readonly float64: Float64Array;
  /** Signed integers of 32 bits. */
  readonly int32: Int32Array;
  /** Bytes. */
  readonly uint8: Uint8Array;
}
/** The name of an element type: `float32`, `float64`, `int32` or `uint8`. */
export type CommType = keyof CommArrays;

/**
 * How values are combined, element by element. int32 and uint8 wrap around in a sum; a `mean` is the sum divided by the size,
 * rounded to the element type (towards 0 for integers). A NaN makes the result NaN, and −0 is less than 0.
 */
export type ReduceOp = 'sum' | 'mean' | 'max' | 'min';

/** Who carries the arrays. */
export type Transport = 'self' | 'threads' | 'processes' | 'mpi' | 'simulate';

/** Options of the operations that combine values. */
export interface ReduceOptions {
  /**
   * `rank` (default) adds the values in the order of the ranks, ((x₀ + x₁) + x₂) + …, so that every transport gives the same bits,
   * whatever the timing; `any` leaves the order to the transport, which may be faster (MPI's own reduction).
   */
  readonly order?: 'rank' | 'any';
}

/** Options of the operations that have a root. */
export interface RootOptions {
  /** The rank that gives or gets the whole. Default 0. */
  readonly root?: number;
}

/** Options of {@link Communicator.send} and {@link Communicator.recv}. */
export interface TagOptions {
  /** Tells messages between the same two ranks apart, an integer in [0, 32767]. Default 0. */
  readonly tag?: number;
}

/**
 * A group of ranks, each of which runs the same script and holds a communicator of its own.
 *
 * Every rank calls the same collective operations in the same order; each returns a promise and need not be awaited before the
 * next is called: they run in the order of the calls. An array belongs to the operation until its promise settles.
 * Once a rank died, threw, hung or called something else than the others, every pending and every later call rejects with a
 * {@link CommError} that names it.
 */
export interface Communicator {
  /** Of this rank in the group, in [0, size). */
  readonly rank: number;
  /** Number of ranks. */
  readonly size: number;
  /** What carries the messages. */
  readonly transport: Transport;
  /** Bytes and calls of this rank, for each operation. Groups made by {@link Communicator.split} have ledgers of their own. */
  readonly ledger: Ledger;

  /**
   * An array that the transport reads and writes without a copy, zeroed. On `threads` and `processes` it lies in shared memory and
   * is freed with {@link Communicator.free}; elsewhere it is an ordinary one. Collective: every rank asks for the same.
   *
   * @throws CommError if the shared memory is full.
   */
  alloc<K extends CommType>(type: K, length: number): Promise<CommArrays[K]>;
  /** Gives an array of {@link Communicator.alloc} back. Collective, and in the same order on all ranks; others are ignored. */
  free(array: CommArray): Promise<void>;

  /** Combines `x` of all ranks, in place, on all. `op` defaults to `sum`. */
  allReduce<T extends CommArray>(x: T, op?: ReduceOp, options?: ReduceOptions): Promise<T>;
  /** Combines `x` of all ranks into that of the root; the others keep theirs. */
  reduce<T extends CommArray>(x: T, op?: ReduceOp, options?: ReduceOptions & RootOptions): Promise<T>;
  /**
   * Combines `x` of all ranks and leaves each with its share ({@link shareOf}), in place: resolves to that view of `x`. What is in
   * the rest of `x` afterwards is undefined. With {@link Communicator.allGather} of the share into `x` it makes an allReduce.
   */
  reduceScatter<T extends CommArray>(x: T, op?: ReduceOp, options?: ReduceOptions): Promise<T>;
  /**
   * Puts `part` of all ranks behind one another in `into`, in the order of the ranks, on all. Lengths may differ, `into` has their
   * sum; `part` may be its own place in `into`, which then is not copied.
   */
  allGather<T extends CommArray>(part: T, into: T): Promise<T>;
  /** As {@link Communicator.allGather}, at the root only: the others give no `into`. */
  gather<T extends CommArray>(part: T, into?: T, options?: RootOptions): Promise<T | undefined>;
  /** Cuts `from` of the root into the `part`s of the ranks, in their order: the reverse of {@link Communicator.gather}. */
  scatter<T extends CommArray>(from: T | undefined, part: T, options?: RootOptions): Promise<T>;
  /** Copies `x` of the root into that of all. */
  broadcast<T extends CommArray>(x: T, options?: RootOptions): Promise<T>;
  /**
   * Sends `send[j]` to rank j and fills `receive[j]` from it, for all j; lengths may differ and be 0. `receive` may be `send`: in
   * place, where the lengths allow.
   */
  allToAll<T extends CommArray>(send: readonly T[], receive: readonly T[]): Promise<readonly T[]>;

  /** Sends to one rank; resolves when `x` may be changed, which may be before the other has it. */
  send<T extends CommArray>(x: T, to: number, options?: TagOptions): Promise<T>;
  /** Receives what rank `from` sends with the same type, length and tag. Messages with one tag arrive in the order sent. */
  recv<T extends CommArray>(x: T, from: number, options?: TagOptions): Promise<T>;

  /** Resolves once all ranks have called it. */
  barrier(): Promise<void>;
  /**
   * A group of the ranks that give the same `color`, in the order of `key` (default: the rank here), ties by rank; none where
   * `color` is undefined. Collective. {@link mesh} makes the groups of a data × tensor × pipeline mesh.
   *
   * @param color an integer in [0, 2³¹).
   */
  split(color: number | undefined, key?: number): Promise<Communicator | undefined>;
  /** Leaves the group, after all ranks have done so; later calls reject. A group of {@link Communicator.split} goes with its parent. */
  close(): Promise<void>;
}

/** The part [begin, end) of `length` elements that {@link Communicator.reduceScatter} leaves with `rank`: almost equal parts in order. */
export function shareOf(length: number, rank: number, size: number): readonly [begin: number, end: number] {
  return [Math.floor((rank * length) / size), Math.floor(((rank + 1) * length) / size)];
}
