/**
 * The singular values that decide a layer's rank, and its factors at any rank: of the kernel W itself, or, where the
 * layer's inputs are known, of what the layer does to them.
 *
 * With inputs x the error to keep small is E‖(W − U Vᵀ)ᵀ (x − μ)‖² + δ‖W − U Vᵀ‖² = ‖Lᵀ(W − U Vᵀ)‖², L Lᵀ = Cov(x) + δI,
 * which the truncated singular value decomposition of Lᵀ W minimises. A layer with a bias keeps its mean output: b grows by
 * (W − U Vᵀ)ᵀ μ; without one, E[x xᵀ] stands for the covariance. δ keeps directions that the examples do not show.
 */
import { cholesky, matrix, multiply, solveTriangular, svd, type Matrix, type Svd } from '@ockham/core/linalg';
import { NonFiniteError } from '@ockham/core';
import type { Layer } from '@ockham/core/training';
import type { InputMoments } from './input-moments.ts';
import { kernelMatrix, type Factors } from './split-layer.ts';
import { balance, splitEvenly } from './truncate.ts';

/** What is known of one layer. */
export interface Spectrum {
  /** Singular values, falling, of W or of Lᵀ W. */
  readonly s: Float64Array;
  /** The factors of a rank, with the bias that goes with them where it is not the layer's own. */
  factors(rank: number): Factors;
}

/** @param damping δ over the mean variance of an input. */
export async function spectrumOf(
  path: string,
  layer: Layer,
  moments: InputMoments | undefined,
  damping: number,
): Promise<Spectrum> {
  const W = await kernelMatrix(layer);
  const bad = W.values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new NonFiniteError(
      `compressLowRank: the kernel of "${path}" must be finite, got ${W.values[bad]} at position ${bad}. Train the model again with a lower rate.`,
    );
  }
  const bias = layer.weights[1];
  const L = moments && metricOf(moments, bias !== undefined, damping);
  if (!moments || !L) {
    const parts = svd(W);
    return { s: parts.s, factors: (rank) => splitEvenly(parts, rank) };
  }
  const b = bias && ((await bias.read().data()) as Float32Array).slice();
  const parts = svd(multiply(L, W, { transposeA: true }));
  return {
    s: parts.s,
    factors: (rank) => {
      const made = unmetric(L, parts, rank);
      return b ? { ...made, bias: shifted(b, W, made, moments.mean) } : made;
    },
  };
}

/** L, or undefined where the inputs are all the same. */
function metricOf({ mean, second }: InputMoments, centred: boolean, damping: number): Matrix | undefined {
  const m = mean.length;
  const covariance = matrix(m, m, second.values.slice());
  if (centred) {
    for (let i = 0; i < m; i++)
      for (let j = 0; j < m; j++) covariance.values[i * m + j]! -= mean[i]! * mean[j]!;
  }
  let trace = 0;
  for (let i = 0; i < m; i++) trace += covariance.values[i * m + i]!;
  if (!(trace > 0)) return undefined;
  for (let i = 0; i < m; i++) covariance.values[i * m + i]! += (damping * trace) / m;
  return cholesky(covariance);
}

/** U = L⁻ᵀ Ũ √Σ and V = Ṽ √Σ, balanced again. */
function unmetric(L: Matrix, parts: Svd, rank: number): Factors {
  const { u, v } = splitEvenly(parts, rank);
  return balance({ u: solveTriangular(L, u, { lower: true, transpose: true }), v });
}

/** b + (W − U Vᵀ)ᵀ μ */
function shifted(b: Float32Array, W: Matrix, { u, v }: Factors, mean: Float64Array): Float32Array {
  const mu = matrix(1, mean.length, mean);
  const old = multiply(mu, W).values;
  const now = multiply(multiply(mu, u), v, { transposeB: true }).values;
  return b.map((value, i) => value + old[i]! - now[i]!);
}
