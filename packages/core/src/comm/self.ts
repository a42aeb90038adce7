import type { Call, Carrier } from './carrier.ts';
import { allocate, checkPair } from './check.ts';
import { CommError } from './comm-error.ts';
import type { CommArray, Communicator } from './communicator.ts';
import { communicatorOf } from './front.ts';

/**
 * The communicator of one rank alone: every operation of one, with the same checks. It runs everywhere and needs nothing.
 *
 * @example
 * const comm = self();
 * await comm.allReduce(new Float64Array([1, 2]), 'mean'); // [1, 2]
 */
export function self(): Communicator {
  return communicatorOf(new SelfCarrier());
}

interface Waiting {
  readonly x: CommArray;
  readonly done: () => void;
  readonly fail: (error: unknown) => void;
}

class SelfCarrier implements Carrier {
  readonly rank = 0;
  readonly size = 1;
  readonly transport = 'self';
  readonly #messages = new Map<number, CommArray[]>();
  readonly #waiting = new Map<number, Waiting[]>();

  alloc: Carrier['alloc'] = (type, length) => allocate('alloc', type, length);
  free(): void {
    // an ordinary array, which the garbage collector takes
  }

  collective({ operation, send: [from], receive: [to] }: Call): void {
    if (!from || !to || from === to || operation === 'reduceScatter') return;
    checkPair(operation, from, to);
    to.set(from);
  }

  send(x: CommArray, _to: number, tag: number): void {
    const first = this.#waiting.get(tag)?.shift();
    if (!first) {
      this.#messages.set(tag, [...(this.#messages.get(tag) ?? []), x.slice()]);
      return;
    }
    try {
      deliver(x, first.x);
      first.done();
    } catch (error) {
      first.fail(error);
      throw error;
    }
  }

  recv(x: CommArray, _from: number, tag: number): void | Promise<void> {
    const message = this.#messages.get(tag)?.shift();
    if (message) {
      deliver(message, x);
      return;
    }
    return new Promise<void>((done, fail) => {
      this.#waiting.set(tag, [...(this.#waiting.get(tag) ?? []), { x, done, fail }]);
    });
  }

  split(color: number | undefined): Carrier | undefined {
    return color === undefined ? undefined : new SelfCarrier();
  }

  close(): void {
    const closed = new CommError('comm-closed', 'recv: a message must come before close(), none did.');
    for (const list of this.#waiting.values()) for (const { fail } of list) fail(closed);
  }
}

function deliver(from: CommArray, to: CommArray): void {
  if (from.constructor !== to.constructor || from.length !== to.length)
    throw new CommError(
      'rank-diverged',
      `recv: rank 0 sent ${from.constructor.name} × ${from.length}, but ${to.constructor.name} × ${to.length} is received.`,
      { rank: 0 },
    );
  to.set(from);
}
