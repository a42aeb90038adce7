import { toFloat16 } from '@ockham/core/files';
import { CODINGS, packCodes, type Coding, type PackedMatrix } from '@ockham/core/kernels';

/** Codes of a coding, all that it has of a finite value. */
export function codesOf(coding: Coding, length: number, seed: number): Int8Array {
  const { low, high, values } = CODINGS[coding];
  let state = seed | 1;
  return Int8Array.from({ length }, () => {
    for (;;) {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      const code = low + ((state >> 12) % (high - low + 1));
      if (coding === 'binary' && code === 0) continue;
      if (values && !Number.isFinite(values[code & (values.length - 1)])) continue;
      return code;
    }
  });
}

/** Numbers in [−1, 1]. */
export function numbers(length: number, seed: number): Float32Array {
  let state = seed | 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x40000000 - 1;
  });
}

/** A matrix of random codes and scales; zeros only of integers. */
export function matrixOf(
  coding: Coding,
  [outputs, inputs, group]: readonly [number, number, number],
  seed: number,
  single = false,
  asymmetric = false,
): PackedMatrix {
  const count = single ? 1 : outputs * Math.ceil(inputs / group);
  const scales = toFloat16(numbers(count, seed + 3).map((v) => v / 16));
  const zeros = Uint8Array.from({ length: count }, (_, i) => 128 + ((i * 7 + seed) % 17) - 8);
  return packCodes(codesOf(coding, outputs * inputs, seed), {
    ...{ coding, outputs, inputs, group, scales },
    ...(asymmetric && coding.startsWith('int') && { zeros }),
  });
}

/** The largest difference, NaN if there is one. */
export function farthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}
