import { reduceValues } from '../kernels/twins/comm-reduce.ts';
import type { Call } from './carrier.ts';
import { allocate } from './check.ts';
import { shareOf, type CommArray } from './communicator.ts';

/** Carries out the calls that all ranks made of one operation, in one memory. Gets are written after all that is given was read. */
export function combineCalls(calls: readonly Call[]): void {
  const [{ operation, type, op, root }] = calls as readonly [Call];
  if (operation === 'barrier') return;
  const n = calls.length;
  if (operation === 'allToAll') {
    const given = calls.map(({ send }) => send.map((x) => x.slice()));
    for (const [r, { receive }] of calls.entries())
      for (const [s, x] of receive.entries()) x.set(given[s]![r]!);
    return;
  }
  if (operation === 'allReduce' || operation === 'reduce' || operation === 'reduceScatter') {
    const { length } = calls[0]!.send[0]!;
    const whole: CommArray = allocate(operation, type, length);
    reduceValues(op, calls.map(({ send }) => send[0]!), whole); // prettier-ignore
    for (const [r, { receive }] of calls.entries()) {
      const [begin, end] = operation === 'reduceScatter' ? shareOf(length, r, n) : [0, length];
      receive[0]?.set(whole.subarray(begin, end));
    }
    return;
  }
  const given = calls.map(({ send }) => send[0]?.slice());
  let at = 0;
  for (const { receive } of calls) {
    const [to] = receive;
    if (!to) continue;
    if (operation === 'broadcast') to.set(given[root]!);
    else if (operation === 'scatter') {
      to.set(given[root]!.subarray(at, at + to.length));
      at += to.length;
    } else given.reduce((place, part) => (to.set(part!, place), place + part!.length), 0);
  }
}
