import { tensor, tidy } from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';

/**
 * Central differences of `<f(x), seed>` for every element of x. With whole numbers and a function that is linear
 * between x − step and x + step they are exact, so that a comparison needs no tolerance beyond rounding.
 */
export function numericGradient(
  f: (x: Tensor) => Tensor,
  x: Tensor,
  seed: Tensor,
  step: number,
): Float32Array {
  const values = Float32Array.from(x.dataSync());
  const weights = seed.dataSync();
  const at = (index: number, value: number): number => {
    const shifted = values.slice();
    shifted[index] = value;
    const y = tidy(() => Float32Array.from(f(tensor(shifted, x.shape)).dataSync()));
    return y.reduce((sum, v, i) => sum + v * weights[i]!, 0);
  };
  return values.map((value, i) => (at(i, value + step) - at(i, value - step)) / (2 * step));
}

/** Whole numbers from −4 to 4 that depend on `seed` alone. */
export function wholeNumbers(shape: number[], seed: number): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  let state = seed * 2 + 1;
  const values = Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 16) % 9) - 4;
  });
  return tensor(values, shape);
}

/** All different and at least 1 apart, half of them negative, in an order that depends on `seed` alone. */
export function distinctNumbers(shape: number[], seed: number): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  const keys = wholeNumbers([size], seed).dataSync();
  const order = Array.from({ length: size }, (_, i) => i).sort((a, b) => keys[a]! - keys[b]! || b - a);
  const values = new Float32Array(size);
  order.forEach((position, rank) => (values[position] = rank - Math.ceil(size / 2)));
  return tensor(values, shape);
}
