/** allReduce, reduce and reduceScatter through shared memory. */
import type { Call } from '../carrier.ts';
import { shareOf } from '../communicator.ts';
import type { Group } from './group.ts';
import { pointerBytes, SEGMENT, SEGMENTS, SMALL } from './layout.ts';
import type { Steps } from './wait.ts';

/** Where a group has its segments; counts them over all calls, since a segment may be written again three turns later. */
export class Segments {
  readonly #group: Group;
  #turn = 0;

  constructor(group: Group) {
    this.#group = group;
  }

  /** Goes on to the next. */
  next(): void {
    this.#turn += 1;
  }

  /** The address of a rank's segment. */
  of(rank: number, back = 0): number {
    const { at, layout } = this.#group;
    return at + layout.segments + (rank * SEGMENTS + ((this.#turn - back) % SEGMENTS)) * SEGMENT;
  }
}

/** Reduces part of the arrays at `from`, `bytes` bytes from `skip` on, to `to`. */
function reducePart(
  group: Group,
  { type, op }: Call,
  from: readonly number[],
  to: readonly number[],
  [begin, end]: readonly [number, number],
): void {
  if (begin === end) return;
  const { at, layout, rank, job } = group;
  job.reduce(
    type,
    op,
    from.map((address) => address + begin),
    end - begin,
    to.map((address) => address + begin),
    at + layout.pointers + rank * pointerBytes(group.size),
    at + layout.scratch + rank * 4096,
  );
}

/** The share of a rank in `bytes` bytes of elements of `one` bytes. */
function shareOfBytes(bytes: number, one: number, rank: number, size: number): readonly [number, number] {
  const [begin, end] = shareOf(bytes / one, rank, size);
  return [begin * one, end * one];
}

/** Whether every rank's array is so small that each reduces all of it. */
export function isSmall({ operation, send }: Call): boolean {
  return operation !== 'reduceScatter' && send[0]!.byteLength <= SMALL;
}

/** Puts a small array where the others look, before the barrier of the call. */
export function offerSmall(group: Group, segments: Segments, call: Call): void {
  segments.next();
  copyBytes(group.job.bytes(segments.of(group.rank), call.send[0]!.byteLength), call.send[0]!, 0);
}

/** Reduces small arrays after that barrier. */
export function reduceSmall(group: Group, segments: Segments, call: Call): void {
  const [to] = call.receive;
  if (!to || to.byteLength === 0) return;
  const { job, at, layout, rank } = group;
  const address = job.addressOf(to);
  const result = address || at + layout.results + rank * SMALL;
  const from = group.members.map((_, other) => segments.of(other));
  reducePart(group, call, from, [result], [0, to.byteLength]);
  if (!address) copyTo(to, 0, job.bytes(result, to.byteLength));
}

/** Reduces larger arrays, after the barrier of the call: in place if all of them are in shared memory. */
export function* reduceLarge(group: Group, segments: Segments, call: Call): Steps<void> {
  const addresses = group.headers('sendAddress');
  if (addresses.every((address) => address !== 0)) {
    const { operation, root, send } = call;
    const one = send[0]!.BYTES_PER_ELEMENT;
    const share = shareOfBytes(send[0]!.byteLength, one, group.rank, group.size);
    const own = [addresses[group.rank]!];
    const to = operation === 'reduce' ? [addresses[root]!] : operation === 'allReduce' ? addresses : own;
    reducePart(group, call, addresses, to, share);
    yield* group.barrier();
  } else yield* reduceStaged(group, segments, call);
}

/** Segment by segment: copy in, barrier, copy the segment before out, reduce a share of this one. */
function* reduceStaged(group: Group, segments: Segments, call: Call): Steps<void> {
  const [x] = call.send;
  const [to] = call.receive;
  const { job, rank, size } = group;
  const bytes = x!.byteLength;
  const one = x!.BYTES_PER_ELEMENT;
  const wanted =
    call.operation === 'reduceScatter'
      ? shareOfBytes(bytes, one, rank, size)
      : ([0, to ? bytes : 0] as const);
  const copyOut = (start: number, back: number): void => {
    const begin = Math.max(start, wanted[0]);
    const end = Math.min(start + SEGMENT, wanted[1]);
    if (begin < end)
      copyTo(to!, begin - wanted[0], job.bytes(segments.of(0, back) + begin - start, end - begin));
  };
  for (let start = 0; start < bytes; start += SEGMENT) {
    const part = Math.min(SEGMENT, bytes - start);
    segments.next();
    copyBytes(job.bytes(segments.of(rank), part), x!, start);
    yield* group.barrier();
    if (start > 0) copyOut(start - SEGMENT, 1);
    const from = group.members.map((_, other) => segments.of(other));
    reducePart(group, call, from, [from[0]!], shareOfBytes(part, one, rank, size));
  }
  yield* group.barrier();
  if (bytes > 0) copyOut(SEGMENT * (Math.ceil(bytes / SEGMENT) - 1), 0);
}

/** Fills `to` from `x`, from its byte `start` on. */
export function copyBytes(to: Uint8Array, x: ArrayBufferView, start: number): void {
  to.set(new Uint8Array(x.buffer as ArrayBuffer, x.byteOffset + start, to.length));
}

/** Writes `from` into `x`, from its byte `start` on. */
export function copyTo(x: ArrayBufferView, start: number, from: Uint8Array): void {
  new Uint8Array(x.buffer as ArrayBuffer, x.byteOffset + start, from.length).set(from);
}
