/**
 * bfloat16, the upper half of a float32, as bit patterns in `Uint16Array`.
 */

/** Rounds an array to bfloat16, to nearest, ties to even. */
export function toBfloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const words = new Uint32Array(values.slice().buffer);
  return Uint16Array.from(words, (word, i) => {
    if (Number.isNaN(values[i]!)) return (word >>> 16) | 0x40; // stays NaN, whatever the lower half held
    return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  });
}

/** Widens bfloat16 to float32. Exact. */
export function fromBfloat16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
}
