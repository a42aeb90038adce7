import { matrix, type Matrix } from '@ockham/core/linalg';
import type { Factors } from '../factorise/split-layer.ts';
import type { FactorValues } from './matrix-factors.ts';

/** U diag(σ) Vᵀ `[n, m]` as the two factors of TensorFlow.js' kernel `[m, n]`, with √σ in each. */
export function balancedFactors({ u, sigma, v }: FactorValues): Factors {
  const roots = sigma.map(Math.sqrt);
  return { u: scaled(v, roots), v: scaled(u, roots) };
}

function scaled(a: Matrix, factors: Float64Array): Matrix {
  return matrix(
    a.rows,
    a.columns,
    a.values.map((value, i) => value * factors[i % a.columns]!),
  );
}
