import type { Vector } from './feasible-set.ts';

/** From this length on, 65,536 counters cost less than the passes they save. */
const LONG = 8192;

/**
 * Indexes of the `k` largest |x_i|, ascending. Ties go to the lower index. `x` must be finite, 1 ≤ k ≤ n.
 *
 * Radix selection, O(n): the bits of a float without its sign order magnitudes, so the k-th largest is found digit by
 * digit (a byte, or two where `x` is long), counting only the entries that still tie.
 */
export function topKIndexes(x: Vector, k: number): Int32Array {
  const size = x.length < LONG ? 1 : 2;
  const Digits = size === 1 ? Uint8Array : Uint16Array;
  const view = new Digits(x.buffer as ArrayBuffer, x.byteOffset, x.byteLength / size); // little-endian wherever JavaScript runs
  const width = x.BYTES_PER_ELEMENT / size;
  const largest = 256 ** size - 1;
  const taken = new Uint8Array(x.length);
  let tied: Int32Array | undefined; // undefined: all of them
  let wanted = k;
  for (let place = width - 1; place >= 0 && wanted > 0; place--) {
    const mask = place === width - 1 ? largest >>> 1 : largest; // the sign bit does not count
    const candidates = tied?.length ?? x.length;
    const counts = new Int32Array(largest + 1);
    for (let c = 0; c < candidates; c++) counts[view[(tied ? tied[c]! : c) * width + place]! & mask]!++;
    let digit = mask;
    let above = 0;
    while (above + counts[digit]! < wanted) above += counts[digit--]!;
    const rest = new Int32Array(counts[digit]!);
    for (let c = 0, r = 0; c < candidates; c++) {
      const i = tied ? tied[c]! : c;
      const value = view[i * width + place]! & mask;
      if (value > digit) taken[i] = 1;
      else if (value === digit) rest[r++] = i;
    }
    wanted -= above;
    tied = rest;
  }
  for (let c = 0; c < wanted; c++) taken[tied![c]!] = 1;

  const indexes = new Int32Array(k);
  for (let i = 0, found = 0; found < k; i++) if (taken[i]) indexes[found++] = i;
  return indexes;
}
