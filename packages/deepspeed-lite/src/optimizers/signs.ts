/**
 * The sign compressor: C(x) = (‖x‖₁/n)·sign(x) for each of a few segments, one bit for each element and a float32 scale for each
 * segment. ‖C(x) − x‖² = ‖x‖² − ‖x‖₁²/n ≤ (1 − 1/n)·‖x‖², since the scale is the best one.
 *
 * Source: Bernstein et al. 2018; Karimireddy et al. 2019, Error feedback fixes SignSGD.
 *
 * Deviations: 0 counts as positive; elements may be left out (`live`), as DeepSpeed's mask does: they take their bit on the wire, but no
 * part in the scale, and come back as 0.
 */
import { shareOf } from '@ockham/core/comm';
import type { FlatLayout } from '../zero/flat-layout.ts';

/** How far a scale reaches: over a rank's chunk, or over the part of each layer in it. */
export type ScaleRange = 'chunk' | 'layer';

/** A part of the flat vector on its way: its segments, one after the other, each with a scale. */
export interface SignPart {
  readonly begin: number;
  readonly end: number;
  /** Ends of the segments; the last is `end`. */
  readonly segments: readonly number[];
  /** Bytes of the message: 4 for each segment and ⌈(end − begin)/8⌉. */
  readonly bytes: number;
}

/** The part [begin, end) of a vector of `length` elements that a rank reduces: whole bytes of signs, almost equal in number. */
export function signChunk(
  length: number,
  rank: number,
  ranks: number,
): readonly [begin: number, end: number] {
  const [begin, end] = shareOf(Math.ceil(length / 8), rank, ranks);
  return [begin * 8, Math.min(end * 8, length)];
}

/** The chunks of all ranks, with their segments. The padding of the layout is not sent. */
export function signParts(layout: FlatLayout, ranks: number, range: ScaleRange): SignPart[] {
  return Array.from({ length: ranks }, (_, rank) => {
    const [begin, end] = signChunk(layout.length, rank, ranks);
    const inner =
      range === 'chunk'
        ? []
        : layout.entries.map(({ offset }) => offset).filter((at) => at > begin && at < end);
    const segments = begin < end ? [...new Set([...inner, end])] : [];
    return { begin, end, segments, bytes: 4 * segments.length + Math.ceil((end - begin) / 8) };
  });
}

/** Writes scales and signs of `x[part.begin − from, part.end − from)`; elements whose `live` is 0 are left out. */
export function encodeSigns(
  x: Float32Array,
  from: number,
  { begin, end, segments }: SignPart,
  message: Uint8Array,
  live?: Float32Array,
): void {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = begin;
  for (let k = 0; k < segments.length; k++) {
    const to = segments[k]!;
    let sum = 0;
    let count = live ? 0 : to - at;
    for (; at < to; at++) {
      if (live) {
        if (live[at] === 0) continue;
        count++;
      }
      sum += Math.abs(x[at - from]!);
    }
    view.setFloat32(4 * k, count > 0 ? sum / count : 0, true);
  }
  let byte = 4 * segments.length;
  for (let i = begin; i < end; i += 8, byte++) {
    const last = Math.min(i + 8, end);
    let bits = 0;
    for (let j = i; j < last; j++) if (x[j - from]! >= 0) bits |= 1 << (j - i);
    message[byte] = bits;
  }
}

/** Adds what a message says to `into[begin − from, end − from)`. False if a scale is not finite. */
export function addSigns(
  message: Uint8Array,
  { begin, segments }: SignPart,
  into: Float32Array | Float64Array,
  from: number,
  live?: Float32Array,
): boolean {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const bits = 4 * segments.length;
  const signed = new Float64Array(2);
  let finite = true;
  let at = begin;
  for (let k = 0; k < segments.length; k++) {
    const to = segments[k]!;
    const scale = view.getFloat32(4 * k, true);
    finite &&= Number.isFinite(scale);
    signed[0] = -scale;
    signed[1] = scale;
    for (; at < to; at++) {
      if (live && live[at] === 0) continue;
      const place = at - begin;
      const bit = (message[bits + (place >>> 3)]! >>> (place & 7)) & 1;
      into[at - from] = into[at - from]! + signed[bit]!;
    }
  }
  return finite;
}
