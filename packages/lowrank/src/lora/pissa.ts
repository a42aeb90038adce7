/**
 * PiSSA: A and B start as the r largest singular parts of W₀, so that training moves the principal directions first.
 *
 * Paper: Meng, Wang and Zhang 2024, "PiSSA: principal singular values and singular vectors adaptation", equations 2 to 4.
 * Deviations: W₀ itself stays; what the first factors make is subtracted beside it, x W₀ + s·x(AB − A₀B₀). That is the
 * paper's residual, and lets several adapters share one base.
 */
import { tensor, type Tensor } from '@tensorflow/tfjs-core';
import { matrix, svd } from '@ockham/core/linalg';

/**
 * A = U√(Σ/s) and B = √(Σ/s)Vᵀ of the `rank` largest singular values, so that s·AB is the best approximation of W₀ of
 * that rank. The caller disposes of them.
 */
export function principalFactors(
  kernel: Tensor,
  rank: number,
  scale: number,
): { readonly a: Tensor; readonly b: Tensor } {
  const columns = kernel.shape.at(-1)!;
  const { u, s, v } = svd(matrix(kernel.size / columns, columns, kernel.dataSync()), { rank });
  const root = s.map((value) => Math.sqrt(value / scale));
  const b = new Float32Array(rank * columns);
  for (let i = 0; i < rank; i++) {
    for (let j = 0; j < columns; j++) b[i * columns + j] = root[i]! * v.values[j * rank + i]!;
  }
  return {
    a: tensor(
      Float32Array.from(u.values, (value, i) => value * root[i % rank]!),
      [...kernel.shape.slice(0, -1), rank],
    ),
    b: tensor(b, [rank, columns]),
  };
}
