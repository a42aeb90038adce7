/**
 * The minimum of equation 1 over rank r without rounds: the r leading components of T, the part of Y that X explains, taken back
 * through X (reduced-rank regression, Izenman 1975; Eckart and Young 1936). What the other methods are measured against.
 */
import { matrix, multiply } from '@ockham/core/linalg/matrices';
import type { LeastSquares } from '../least-squares.ts';
import type { Factors, Method } from './method.ts';
import { balancedFactors } from './projected-gradient.ts';

export const direct: Method = ({ problem, rank }) => {
  const factors = bestOfRank(problem, rank);
  return { round: () => undefined, estimate: () => factors, done: () => true };
};

/** A and B of the best W of rank r: V S⁻¹ times the components of T. */
export function bestOfRank({ T, V, s }: LeastSquares, rank: number): Factors {
  const { A: inner, B } = balancedFactors(T, rank);
  const scaled = matrix(
    inner.rows,
    rank,
    inner.values.map((value, at) => value / s[Math.floor(at / rank)]!),
  );
  return { A: multiply(V, scaled), B };
}
