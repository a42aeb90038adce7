/** Small matrices between the engine and float64, and sums of them. */
import { add, matMul, tensor2d, type Tensor2D } from '@tensorflow/tfjs-core';
import { matrix, type Matrix } from '@ockham/core/linalg';

/** On the engine, in float32. The caller disposes of it. */
export function toTensor({ rows, columns, values }: Matrix): Tensor2D {
  return tensor2d(Float32Array.from(values), [rows, columns]);
}

/** Read from the engine. */
export function toMatrix(a: Tensor2D): Matrix {
  return matrix(a.shape[0], a.shape[1], a.dataSync());
}

/** A tensor times a small matrix. */
export function timesSmall(a: Tensor2D, b: Matrix): Tensor2D {
  const weights = toTensor(b);
  const product = matMul<Tensor2D>(a, weights);
  weights.dispose();
  return product;
}

/** With these values on its diagonal. */
export function diagonal(values: Float64Array): Matrix {
  const made = matrix(values.length, values.length);
  values.forEach((value, i) => (made.values[i * (values.length + 1)] = value));
  return made;
}

/** The sum; of one tensor itself. */
export function total(parts: readonly Tensor2D[]): Tensor2D {
  return parts.length === 1 ? parts[0]! : parts.reduce((whole, part) => add(whole, part));
}
