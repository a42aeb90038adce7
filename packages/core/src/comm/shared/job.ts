/** What one rank knows of the job: the shared memory, who is well, and the kernels. */
import { OPS, TYPES, viewOf } from '../check.ts';
import { CommError, type CommErrorCode } from '../comm-error.ts';
import type { CommArray, CommType, ReduceOp, Transport } from '../communicator.ts';
import { reduceValues } from '../../kernels/twins/comm-reduce.ts';
import { commReduce } from '../../kernels/generated/comm-reduce.ts';
import { Heap } from './heap.ts';
import {
  CALLS,
  ENDED,
  heapOf,
  POISON,
  POISON_AT,
  POISON_BYTES,
  POISON_CODE,
  POISON_LENGTH,
  STATES,
} from './layout.ts';
import { takeSteps, type Steps } from './wait.ts';

const CODES: readonly CommErrorCode[] = ['rank-lost', 'rank-silent', 'rank-diverged', 'comm-unavailable'];

/** What a rank is told when it starts. */
export interface JobStart {
  readonly rank: number;
  readonly size: number;
  /** Milliseconds that the others wait for a rank that is alive. */
  readonly deadline: number;
  /** Whether every rank has a core of its own. */
  readonly ownCore: boolean;
}

/** Of what a rank waits in: its name for messages, and who has not come. */
export interface Waiting {
  readonly what: string;
  /** Ranks of the job that are waited for. */
  late(): readonly number[];
}

/** Reduces the arrays at the addresses `from`, of `bytes` bytes, to those at `to`. */
type Reduce = (
  type: CommType,
  op: ReduceOp,
  from: readonly number[],
  bytes: number,
  to: readonly number[],
  pointers: number,
  scratch: number,
) => void;

/** Looks at a word, a few nanoseconds each, before a rank with a core of its own sleeps. */
const LOOKS = 20_000;

export class SharedJob {
  readonly rank: number;
  readonly size: number;
  readonly transport: Transport;
  readonly buffer: ArrayBufferLike;
  readonly words: Int32Array;
  readonly heap: Heap;
  readonly reduce: Reduce;
  readonly #deadline: number;
  readonly #looks: number;

  /** `memory` is that of WebAssembly, for the kernels, or a mapping of a file, which they cannot reach. */
  constructor(
    transport: Transport,
    memory: WebAssembly.Memory | ArrayBufferLike,
    { rank, size, deadline, ownCore }: JobStart,
  ) {
    this.transport = transport;
    [this.rank, this.size] = [rank, size];
    const isWasm = memory instanceof WebAssembly.Memory;
    this.buffer = isWasm ? memory.buffer : memory;
    this.words = new Int32Array(this.buffer as ArrayBuffer, 0, Math.min(2 ** 29, this.buffer.byteLength / 4));
    this.heap = new Heap(...heapOf(rank, size, this.buffer.byteLength));
    this.reduce = isWasm ? compiled(memory, this.words) : plain(this.buffer);
    this.#deadline = deadline;
    this.#looks = ownCore ? LOOKS : 1;
  }

  view<T extends CommType>(type: T, at: number, length: number): CommArray {
    return viewOf(type, this.buffer, at, length);
  }

  bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.buffer as ArrayBuffer, at, length);
  }

  /** Where an array lies in the shared memory, 0 if elsewhere. */
  addressOf(x: CommArray): number {
    return x.buffer === this.buffer ? x.byteOffset : 0;
  }

  /** Takes steps that wait; throws once somebody is lost, silent or astray. */
  take<R>(steps: Steps<R>, waiting: Waiting): R | Promise<R> {
    this.throwIfPoisoned();
    return takeSteps(steps, {
      words: this.words,
      looks: this.#looks,
      check: (waited) => this.#check(waited, waiting),
    });
  }

  #check(waited: number, { what, late }: Waiting): void {
    this.throwIfPoisoned();
    const missing = late();
    const ended = missing.find((rank) => Atomics.load(this.words, STATES + rank) === ENDED);
    if (ended !== undefined) {
      const calls = Atomics.load(this.words, CALLS + ended);
      throw this.fail(
        'rank-diverged',
        ended,
        `rank ${ended} ended after ${calls} collective calls, but the others went on with ${what}. Let every rank make the same calls.`,
      );
    }
    if (waited < this.#deadline) return;
    const [first] = missing;
    if (first === undefined) return;
    throw this.fail(
      'rank-silent',
      first,
      `${what}: every rank must come within the deadline of ${this.#deadline / 1000} s, but rank ${missing.join(' and ')} did not. ` +
        'Look for an endless loop or a call that only some ranks make, or raise the deadline.',
    );
  }

  /** Tells all ranks that `rank` is at fault, unless someone was before; gives the error to throw. */
  fail(code: CommErrorCode, rank: number, message: string): CommError {
    poison(this.buffer, code, rank, message);
    return readPoison(this.buffer) ?? new CommError(code, message, { rank });
  }

  throwIfPoisoned(): void {
    if (Atomics.load(this.words, POISON) === 0) return;
    const error = readPoison(this.buffer);
    if (error) throw error;
  }
}

/** Writes who is at fault where every rank looks, unless someone was before. */
export function poison(buffer: ArrayBufferLike, code: CommErrorCode, rank: number, message: string): void {
  const words = new Int32Array(buffer as ArrayBuffer, 0, 16);
  if (Atomics.compareExchange(words, POISON, 0, -1) !== 0) return;
  const text = new TextEncoder().encode(message).subarray(0, POISON_BYTES);
  new Uint8Array(buffer as ArrayBuffer, POISON_AT, POISON_BYTES).set(text);
  words[POISON_CODE] = CODES.indexOf(code);
  words[POISON_LENGTH] = text.length;
  Atomics.store(words, POISON, 1 + rank);
}

/** Who is at fault, if anyone is. */
export function readPoison(buffer: ArrayBufferLike): CommError | undefined {
  const words = new Int32Array(buffer as ArrayBuffer, 0, 16);
  const who = Atomics.load(words, POISON);
  if (who <= 0) return undefined;
  // a TextDecoder refuses shared memory
  const text = new Uint8Array(buffer as ArrayBuffer, POISON_AT, words[POISON_LENGTH]).slice();
  return new CommError(CODES[words[POISON_CODE]!]!, new TextDecoder().decode(text), { rank: who - 1 });
}

type Kernel = (
  op: number,
  ranks: number,
  from: number,
  bytes: number,
  targets: number,
  to: number,
  scratch: number,
) => void;

function compiled(memory: WebAssembly.Memory, words: Int32Array): Reduce {
  const code = Uint8Array.from(atob(commReduce), (letter) => letter.charCodeAt(0));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } });
  const kernels = ['reduceFloat32', 'reduceFloat64', 'reduceInt32', 'reduceUint8'].map(
    (name) => exports[name] as Kernel,
  );
  return (type, op, from, bytes, to, pointers, scratch) => {
    const at = pointers / 4;
    words.set(from, at);
    words.set(to, at + from.length);
    const kernel = kernels[TYPES.indexOf(type)]!;
    kernel(OPS.indexOf(op), from.length, pointers, bytes, to.length, pointers + 4 * from.length, scratch);
  };
}

function plain(buffer: ArrayBufferLike): Reduce {
  return (type, op, from, bytes, to) => {
    const view = (at: number): CommArray => {
      const one = viewOf(type, buffer, at, 0).BYTES_PER_ELEMENT;
      return viewOf(type, buffer, at, bytes / one);
    };
    const [first, ...others] = to.map(view);
    if (!first) return;
    const sources = from.map(view);
    const aliased = from.indexOf(to[0]!) > 0; // it would be overwritten before it is read
    if (aliased) sources[from.indexOf(to[0]!)] = first.slice();
    reduceValues(op, sources, first);
    for (const other of others) other.set(first);
  };
}
