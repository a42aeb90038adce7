import { multiply, type Matrix } from '@ockham/core/linalg/matrices';
import { minus, squares, type LeastSquares } from './least-squares.ts';
import { bestOfRank } from './methods/direct.ts';

/** How far an estimate is from the global minimum over its rank, which is known in what can be seen of it: its outputs. */
export interface RecoveryCertificate {
  /** ‖Y − XW‖/‖Y‖. */
  readonly residual: number;
  /** The smallest residual that any matrix of the rank can have (Eckart and Young). */
  readonly bound: number;
  /** ‖X(W − Ŵ)‖/‖Y‖ for the Ŵ that has it: 0 at the global minimum. */
  readonly distance: number;
}

/** Certifies estimates of a rank, the best of which it finds once. */
export function certifier(problem: LeastSquares, rank: number): (W: Matrix) => RecoveryCertificate {
  const { R, T, tau, outside, power } = problem;
  const { A, B } = bestOfRank(problem, rank);
  const best = multiply(multiply(R, A), B, { transposeB: true }); // [ρ, m]
  let tail = 0;
  for (const value of tau.subarray(rank)) tail += value * value;
  return (W) => {
    const outputs = multiply(R, W);
    return {
      residual: Math.sqrt((squares(minus(T, outputs)) + outside) / power),
      bound: Math.sqrt((tail + outside) / power),
      distance: Math.sqrt(squares(minus(outputs, best)) / power),
    };
  };
}
