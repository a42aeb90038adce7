/**
 * Where things are in the memory that the ranks share, in bytes. First what belongs to all ranks, then the world group, the
 * letter boxes, and a heap for each rank; groups of a split lie in the heap of their first rank.
 */

/** The most ranks that can be launched. */
export const MAX_RANKS = 64;

/** The word that says who failed: 0 no one, −1 a report is being written, else 1 + rank. */
export const POISON = 0;
/** Its code and the length of its message, as words. */
export const POISON_CODE = 1;
export const POISON_LENGTH = 2;
/** What the rank at fault saw or did, in UTF-8. */
export const POISON_AT = 4096;
export const POISON_BYTES = 4096;
/** A word for each rank: 0 while it works, then {@link ENDED}. */
export const STATES = 16;
export const ENDED = 1;
/** A word for each rank: collective operations that it has begun, in all groups. */
export const CALLS: number = STATES + MAX_RANKS;
/** A word for each rank: 1 + the operation that it waits in, 0 if in none. */
export const WAITS_IN: number = CALLS + MAX_RANKS;
/** A word for each rank, 16 apart: changes when a message comes or was taken. */
export const BELLS: number = WAITS_IN + MAX_RANKS;
export const BELL_STEP = 4;
export const WORLD_AT: number = POISON_AT + POISON_BYTES;

/** Bytes of a segment of arrays that do not lie in the shared memory; each rank has three. */
export const SEGMENT = 262_144;
export const SEGMENTS = 3;
/** Up to so many bytes every rank reduces all, after a single barrier. */
export const SMALL = 8192;
/** Bytes that the kernel accumulates in. */
const SCRATCH = 4096;
/** Words of a header, see {@link Header}. */
export const HEADER_WORDS = 16;

/** The words of a header: what a rank does next, for the others to compare. */
export const HEADER = {
  operation: 0,
  type: 1,
  op: 2,
  root: 3,
  sendLength: 4,
  receiveLength: 5,
  sendAddress: 6,
  color: 7,
  key: 8,
  child: 9,
} as const;

/** Where the parts of a group of n ranks are, from its beginning. */
export interface GroupLayout {
  /** The counter and, 4 bytes on, the generation of its barrier. */
  readonly barrier: number;
  /** Headers of all ranks, twice: those of one call may still be read when the next begins. */
  readonly headers: number;
  /** What each sends to each and, n² words on, what each expects, twice, in elements. */
  readonly tables: number;
  readonly pointers: number;
  readonly scratch: number;
  readonly results: number;
  readonly segments: number;
  readonly bytes: number;
}

export function layoutOf(n: number): GroupLayout {
  let next = 64;
  const reserve = (bytes: number): number => {
    const at = next;
    next += 64 * Math.ceil(bytes / 64);
    return at;
  };
  return {
    barrier: 0,
    headers: reserve(2 * n * HEADER_WORDS * 4),
    tables: reserve(4 * n * n * 4),
    pointers: reserve(n * pointerBytes(n)),
    scratch: reserve(n * SCRATCH),
    results: reserve(n * SMALL),
    segments: reserve(n * SEGMENTS * SEGMENT),
    bytes: next,
  };
}

/** Of the two tables of addresses that a rank hands to the kernel. */
export function pointerBytes(n: number): number {
  return 64 * Math.ceil((8 * n) / 64);
}

/** Messages that may be under way from one rank to another. */
export const BOX_ENTRIES = 32;
/** Words of a message: group, tag, type, length, address. */
export const ENTRY_WORDS = 8;
/** Words before the messages of a box: how many were posted, how many taken. */
export const BOX_WORDS: number = 16 + BOX_ENTRIES * ENTRY_WORDS;

export function boxesAt(n: number): number {
  return WORLD_AT + layoutOf(n).bytes;
}

/** The heap of a rank. */
export function heapOf(rank: number, n: number, bytes: number): readonly [begin: number, end: number] {
  const from = 64 * Math.ceil((boxesAt(n) + n * n * BOX_WORDS * 4) / 64);
  const each = 64 * Math.floor((bytes - from) / n / 64);
  return [from + rank * each, from + (rank + 1) * each];
}
