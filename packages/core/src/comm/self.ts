import type { CommArray, Communicator, CommType, ReduceOp } from './communicator.ts';
import { allocate, checkArray, checkColor, checkLengths, checkOp, checkRank } from './check.ts';
import { Ledger } from './ledger.ts';
import { CommError } from './comm-error.ts';

/**
 * The communicator of one rank alone: every operation of one, with the same checks. It runs everywhere and needs nothing.
 *
 * @example
 * const comm = self();
 * await comm.allReduce(new Float64Array([1, 2]), 'mean'); // [1, 2]
 */
export function self(): Communicator {
  const ledger = new Ledger();
  const boxes = new Map<number, CommArray[]>();
  const waiting = new Map<number, { x: CommArray; done: () => void; fail: (error: Error) => void }[]>();
  let closed = false;

  const begin = (who: string): void => {
    if (closed)
      throw new CommError('comm-closed', `${who}: the communicator was closed. Call it before close().`);
  };
  const reduced = <T extends CommArray>(
    operation: 'allReduce' | 'reduce' | 'reduceScatter',
    x: T,
    op: ReduceOp,
  ): T => {
    begin(operation);
    checkArray(operation, 'x', x);
    checkOp(operation, op);
    ledger.count(operation);
    return x;
  };
  const copied = <T extends CommArray>(
    operation: 'allGather' | 'gather' | 'scatter',
    from: T | undefined,
    to: T | undefined,
  ): T => {
    begin(operation);
    checkLengths(operation, from, to);
    ledger.count(operation);
    if (from !== to) to!.set(from!);
    return to!;
  };
  const deliver = (from: CommArray, to: CommArray): void => {
    checkLengths('recv', from, to);
    to.set(from);
  };

  /* eslint-disable @typescript-eslint/require-await -- a refusal is a rejection, as on every transport */
  return {
    rank: 0,
    size: 1,
    transport: 'self',
    ledger,
    alloc: async <K extends CommType>(type: K, length: number) => {
      begin('alloc');
      return allocate('alloc', type, length);
    },
    free: async () => begin('free'),
    allReduce: async (x, op = 'sum') => reduced('allReduce', x, op),
    reduce: async (x, op = 'sum', { root = 0 } = {}) => {
      checkRank('reduce', 'root', root, 1);
      return reduced('reduce', x, op);
    },
    reduceScatter: async (x, op = 'sum') => reduced('reduceScatter', x, op),
    allGather: async (part, into) => copied('allGather', part, into),
    gather: async (part, into, { root = 0 } = {}) => {
      checkRank('gather', 'root', root, 1);
      return copied('gather', part, into);
    },
    scatter: async (from, part, { root = 0 } = {}) => {
      checkRank('scatter', 'root', root, 1);
      return copied('scatter', from, part);
    },
    broadcast: async (x, { root = 0 } = {}) => {
      begin('broadcast');
      checkArray('broadcast', 'x', x);
      checkRank('broadcast', 'root', root, 1);
      ledger.count('broadcast');
      return x;
    },
    allToAll: async (send, receive) => {
      begin('allToAll');
      for (const list of [send, receive])
        if (list.length !== 1) checkRank('allToAll', 'send and receive', list.length - 1, 1);
      checkLengths('allToAll', send[0], receive[0]);
      ledger.count('allToAll');
      if (send[0] !== receive[0]) receive[0]!.set(send[0]!);
      return receive;
    },
    send: async (x, to, { tag = 0 } = {}) => {
      begin('send');
      checkArray('send', 'x', x);
      checkRank('send', 'to', to, 1);
      ledger.count('send');
      const first = waiting.get(tag)?.shift();
      if (!first) boxes.set(tag, [...(boxes.get(tag) ?? []), x.slice()]);
      else {
        try {
          deliver(x, first.x);
          first.done();
        } catch (error) {
          first.fail(error as Error);
          throw error;
        }
      }
      return x;
    },
    recv: async (x, from, { tag = 0 } = {}) => {
      begin('recv');
      checkArray('recv', 'x', x);
      checkRank('recv', 'from', from, 1);
      ledger.count('recv');
      const message = boxes.get(tag)?.shift();
      if (message) deliver(message, x);
      else {
        await new Promise<void>((done, fail) => {
          waiting.set(tag, [...(waiting.get(tag) ?? []), { x, done, fail }]);
        });
      }
      return x;
    },
    barrier: async () => {
      begin('barrier');
      ledger.count('barrier');
    },
    split: async (color, key = 0) => {
      begin('split');
      checkColor(color, key);
      return color === undefined ? undefined : self();
    },
    close: async () => {
      closed = true;
      for (const list of waiting.values())
        for (const { fail } of list) fail(new CommError('comm-closed', 'recv: the communicator was closed.'));
    },
  };
}
