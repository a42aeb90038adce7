import { self, shareOf, type CommArray, type Communicator } from '@ockham/core/comm';

/**
 * A communicator whose operations return at once and move nothing: what a step costs without communication. What comes of it is not
 * training; for benches only.
 */
export function silent(rank: number, size: number): Communicator {
  const { ledger } = self();
  const nothing = <T>(x: T): Promise<T> => Promise.resolve(x);
  const communicator: Communicator = {
    rank,
    size,
    transport: 'self',
    ledger,
    alloc: (type, length) => self().alloc(type, length),
    free: () => Promise.resolve(),
    allReduce: nothing,
    reduce: nothing,
    reduceScatter: (x) => Promise.resolve(x.subarray(...shareOf(x.length, rank, size)) as typeof x),
    allGather(part, into) {
      // every rank seems to have said the same
      for (let at = 0; part.length > 0 && at + part.length <= into.length; at += part.length) into.set(part, at); // prettier-ignore
      return Promise.resolve(into);
    },
    gather: (_, into) => Promise.resolve(into),
    scatter: (_, part) => Promise.resolve(part),
    broadcast: nothing,
    allToAll: <T extends CommArray>(_: readonly T[], receive: readonly T[]) => Promise.resolve(receive),
    send: nothing,
    recv: nothing,
    barrier: () => Promise.resolve(),
    split: () => Promise.resolve(silent(rank, size)),
    close: () => Promise.resolve(),
  };
  return communicator;
}
