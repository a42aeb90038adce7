/**
 * Section 3.1, iterative hard thresholding: after a gradient step the r largest singular values are kept.
 *
 * η = 1/L, with which the loss never rises: the step minimises a bound of it over all matrices of rank r.
 */
import { matrix, multiply, svd, type Matrix } from '@ockham/core/linalg/matrices';
import { addScaled, minus } from '../least-squares.ts';
import type { Factors, Method } from './method.ts';

export const projectedGradient: Method = ({ problem: { d, m, G, C, L }, rank }) => {
  let factors: Factors = { A: matrix(d, rank), B: matrix(m, rank) };
  return {
    round() {
      const W = multiply(factors.A, factors.B, { transposeB: true });
      addScaled(W.values, -1 / L, minus(multiply(G, W), C).values);
      factors = balancedFactors(W, rank);
    },
    estimate: () => factors,
  };
};

/** The best approximation of rank r, its singular values shared out evenly. */
export function balancedFactors(W: Matrix, rank: number): Factors {
  const { u, s, v } = svd(W, { rank });
  const roots = s.map(Math.sqrt);
  const scale = (a: Matrix): Matrix =>
    matrix(
      a.rows,
      rank,
      a.values.map((value, at) => value * roots[at % rank]!),
    );
  return { A: scale(u), B: scale(v) };
}
