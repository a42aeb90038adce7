/**
 * DoRA: W' = m · V / ‖V‖, column by column, with V = W₀ + s·AB: magnitude and direction learn apart.
 *
 * Paper: Liu et al. 2024, "DoRA: weight-decomposed low-rank adaptation", equations 5 and 11; the norm counts as a constant
 * in the gradient (section 4.3).
 * Deviations: ‖V‖ comes from W₀, AᵀW₀ and AᵀA, so that AB is never formed.
 */
import {
  add,
  customGrad,
  matMul,
  maximum,
  mul,
  sqrt,
  square,
  sum,
  zeros,
  type Tensor,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { asMatrix } from './linear-kind.ts';

/** Squared norms below this count as this: a column of zeros has no direction. */
const LEAST = 1e-24;

/** The norm of every column of W₀ + s·AB, `[out]`, without a gradient. Kernels are `[…, in, out]`, `b` is `[r, out]`. */
export function columnNorms(kernel: Tensor, a: Tensor, b: Tensor, scale: number): Tensor {
  const norms = customGrad((...factors) => {
    const [first, second] = factors as [Tensor2D, Tensor2D];
    const { shape } = first;
    const gradFunc = () => [zeros(shape), zeros(second.shape)];
    return { value: norm(asMatrix(kernel), first, second, scale), gradFunc };
  });
  return norms(asMatrix(a), b);
}

/** ‖w + s·Ab‖² = ‖w‖² + 2s (Aᵀw)·b + s² b·(AᵀA)b for each column. */
function norm(w: Tensor2D, a: Tensor2D, b: Tensor2D, scale: number): Tensor {
  const cross = sum(mul(matMul(a, w, true), b), 0); // [out]
  const own = sum(mul(matMul(matMul(a, a, true), b), b), 0); // [out]
  const squared = add(sum(square(w), 0), add(mul(cross, 2 * scale), mul(own, scale * scale)));
  return sqrt(maximum(squared, LEAST));
}
