/**
 * Section 3.1: W ← W − η(XᵀX W − XᵀY), with nothing that keeps W low-rank.
 *
 * η = 2/(L + μ) is best for the spectrum μ … L of XᵀX: the error falls by (κ − 1)/(κ + 1) a round.
 */
import { matrix, multiply } from '@ockham/core/linalg/matrices';
import { addScaled, minus } from '../least-squares.ts';
import type { Method } from './method.ts';

export const gradientDescent: Method = ({ problem: { d, m, G, C, L, mu } }) => {
  const W = matrix(d, m);
  const eta = 2 / (L + mu);
  return {
    round: () => addScaled(W.values, -eta, minus(multiply(G, W), C).values),
    estimate: () => W,
  };
};
