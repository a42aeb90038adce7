/**
 * broadcast, gather, scatter, allGather and allToAll through shared memory. What a rank sends is one stream of bytes, and each
 * rank wants a piece of some streams: those are the five operations.
 */
import type { Call } from '../carrier.ts';
import type { CommArray } from '../communicator.ts';
import type { Group } from './group.ts';
import { SEGMENT } from './layout.ts';
import { copyTo, type Segments } from './reductions.ts';
import type { Steps } from './wait.ts';

/** `bytes` bytes of the stream of `from`, from `begin` on, which go to `to` from its byte `at` on. */
interface Piece {
  readonly from: number;
  readonly begin: number;
  readonly bytes: number;
  readonly to: CommArray;
  readonly at: number;
}

/** After the barrier of the call: copies what this rank wants, from where it lies if that is shared, else by segments. */
export function* exchange(group: Group, segments: Segments, call: Call): Steps<void> {
  const { job, rank } = group;
  const lengths = group.headers('sendLength');
  const one = (call.send[0] ?? call.receive[0]!).BYTES_PER_ELEMENT;
  const pieces = piecesOf(group, call, one);
  const addresses = group.headers('sendAddress');
  const direct = call.operation !== 'allToAll' && lengths.every((n, r) => n === 0 || addresses[r] !== 0);
  const own = pieces.filter(({ from }) => from === rank);
  const foreign = pieces.filter(({ from }) => from !== rank);
  if (direct) {
    for (const { from, begin, bytes, to, at } of foreign)
      copyTo(to, at, job.bytes(addresses[from]! + begin, bytes));
    for (const piece of own) copyOwn(call, piece);
    yield* group.barrier();
    return;
  }
  const total = one * Math.max(0, ...lengths);
  // in place, what was received would otherwise overwrite what is still to be sent
  const stream =
    call.operation === 'allToAll' && total > SEGMENT ? call.send.map((x) => x.slice()) : call.send;
  for (let start = 0; start < total; start += SEGMENT) {
    segments.next();
    stage(stream, start, job.bytes(segments.of(rank), SEGMENT));
    yield* group.barrier();
    if (start === 0) for (const piece of own) copyOwn({ ...call, send: stream }, piece);
    for (const { from, begin, bytes, to, at } of foreign) {
      const first = Math.max(begin, start);
      const end = Math.min(begin + bytes, start + SEGMENT);
      if (first < end)
        copyTo(to, at + first - begin, job.bytes(segments.of(from) + first - start, end - first));
    }
  }
}

function piecesOf(group: Group, { operation, root, receive }: Call, one: number): Piece[] {
  const { rank, members, job } = group;
  const [to] = receive;
  const given = group.headers('sendLength');
  const before = (lengths: readonly number[], r: number): number =>
    lengths.slice(0, r).reduce((sum, length) => sum + length, 0) * one;
  if (operation === 'broadcast') return to ? [{ from: root, begin: 0, bytes: to.byteLength, to, at: 0 }] : [];
  if (operation === 'scatter') {
    const begin = before(group.headers('receiveLength'), rank);
    return [{ from: root, begin, bytes: to!.byteLength, to: to!, at: 0 }];
  }
  if (operation === 'allToAll') {
    return members.map((_, from) => {
      const sent = members.map((_member, other) => job.words[group.tableAt(from, other, false)]!);
      const mine = receive[from]!;
      return { from, begin: before(sent, rank), bytes: mine.byteLength, to: mine, at: 0 };
    });
  }
  if (!to) return [];
  return members.map((_, from) => {
    return { from, begin: 0, bytes: given[from]! * one, to, at: before(given, from) };
  });
}

/** Arrays may overlap: `set` copies as if through a copy. */
function copyOwn({ send }: Call, { begin, bytes, to, at }: Piece): void {
  let start = 0;
  for (const x of send) {
    if (begin >= start && begin + bytes <= start + x.byteLength && bytes > 0) {
      copyTo(to, at, new Uint8Array(x.buffer as ArrayBuffer, x.byteOffset + begin - start, bytes));
      return;
    }
    start += x.byteLength;
  }
}

/** Bytes `start` … of the arrays, one behind the other. */
function stage(arrays: readonly CommArray[], start: number, to: Uint8Array): void {
  let at = 0;
  for (const x of arrays) {
    const begin = Math.max(at, start);
    const end = Math.min(at + x.byteLength, start + to.length);
    if (begin < end)
      to.set(new Uint8Array(x.buffer as ArrayBuffer, x.byteOffset + begin - at, end - begin), begin - start);
    at += x.byteLength;
  }
}
