import { ArgumentError } from '@ockham/core';
import { addSigns, encodeSigns, type SignPart } from './signs.ts';

/** A contractive compressor C of vectors: ‖C(x) − x‖² ≤ (1 − δ)·‖x‖². */
export interface Compressor {
  /** For messages. */
  readonly name: string;
  /** δ in (0, 1] for vectors of n elements. */
  delta(n: number): number;
  /** Bytes of a message for n elements. */
  bytes(n: number): number;
  /** Writes C(x). */
  compress(x: Float32Array, message: Uint8Array): void;
  /** Adds C(x) to `into`, as long as x. False if the message has values that are not finite. */
  add(message: Uint8Array, into: Float32Array | Float64Array): boolean;
}

/**
 * The k elements of largest magnitude, ties to the lower index; 8 bytes for each: its index and value. δ = k/n.
 *
 * @param fraction k/n in (0, 1]; k is rounded up.
 * @throws ArgumentError
 */
export function topK(fraction: number): Compressor {
  if (!(fraction > 0 && fraction <= 1))
    throw new ArgumentError(`topK: fraction must be in (0, 1], got ${fraction}.`);
  const count = (n: number): number => Math.min(n, Math.ceil(fraction * n));
  return {
    name: 'topK',
    delta: (n) => count(n) / n,
    bytes: (n) => 8 * count(n),
    compress(x, message) {
      const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
      largest(x, count(x.length)).forEach((index, j) => {
        view.setInt32(8 * j, index, true);
        view.setFloat32(8 * j + 4, x[index]!, true);
      });
    },
    add(message, into) {
      const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
      let finite = true;
      for (let at = 0; at < message.length; at += 8) {
        const index = view.getInt32(at, true);
        const value = view.getFloat32(at + 4, true);
        finite &&= Number.isFinite(value);
        into[index] = into[index]! + value;
      }
      return finite;
    },
  };
}

/** Signs and one scale, ‖x‖₁/n: n/8 + 4 bytes. δ ≥ 1/n, and ‖x‖₁²/(n‖x‖²) for each x. */
export function scaledSign(): Compressor {
  const whole = (n: number): SignPart => ({
    begin: 0,
    end: n,
    segments: n > 0 ? [n] : [],
    bytes: n > 0 ? 4 + Math.ceil(n / 8) : 0,
  });
  return {
    name: 'scaledSign',
    delta: (n) => 1 / n,
    bytes: (n) => whole(n).bytes,
    compress: (x, message) => encodeSigns(x, 0, whole(x.length), message),
    add: (message, into) => addSigns(message, whole(into.length), into, 0),
  };
}

/** Indexes of the k largest magnitudes in ascending order; NaN counts as the largest, so that it is seen. */
function largest(x: Float32Array, k: number): Int32Array {
  const magnitudes = Float32Array.from(x, (value) => (Number.isNaN(value) ? Infinity : Math.abs(value)));
  const threshold = magnitudes.slice().sort()[x.length - k]!;
  const chosen = new Int32Array(k);
  let above = 0;
  for (const magnitude of magnitudes) if (magnitude > threshold) above++;
  let ties = k - above;
  let at = 0;
  for (let i = 0; i < x.length && at < k; i++) {
    if (magnitudes[i]! > threshold || (magnitudes[i] === threshold && ties-- > 0)) chosen[at++] = i;
  }
  return chosen;
}
