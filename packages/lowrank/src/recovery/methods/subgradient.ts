/**
 * Gross errors: the sub-gradient method on ‖Y − XABᵀ‖₁ from a small start (Ma and Fattahi 2023), which needs neither the true rank
 * nor regularisation: a rank above it stays small in what it should not have.
 *
 * Names as there: D is the sub-gradient's sign matrix, ρ the factor by which steps shrink.
 *
 * Deviations: W = ABᵀ need not be symmetric; both factors start from the leading components of Xᵀ sign(Y); steps are scaled by
 * (BᵀB + δI)⁻¹ and (AᵀA + δI)⁻¹ (Tong, Ma and Chi 2021), so that their length does not depend on W's singular values.
 */
import {
  cholesky,
  choleskySolve,
  matrix,
  multiply,
  transpose,
  type Matrix,
} from '@ockham/core/linalg/matrices';
import { addScaled, minus, squares } from '../least-squares.ts';
import type { Method } from './method.ts';
import { balancedFactors } from './projected-gradient.ts';

export const subgradient: Method = ({ data: { X, Y }, rank, decay, tolerance }) => {
  const scale = medianSize(Y) * Math.sqrt(X.columns * Y.columns); // about ‖W‖, whatever the gross errors
  const D = multiply(X, signs(Y), { transposeA: true }); // [d, m]
  const unit = Math.sqrt(squares(D));
  const small = 1e-3 * scale;
  let { A, B } = balancedFactors(
    matrix(
      D.rows,
      D.columns,
      D.values.map((value) => (small * value) / unit),
    ),
    rank,
  );
  let eta = STEP * scale;
  return {
    round() {
      const E = minus(Y, multiply(multiply(X, A), B, { transposeB: true })); // [n, m]
      const D = multiply(X, signs(E), { transposeA: true });
      const next = moved(A, multiply(D, B), B, eta, unit);
      B = moved(B, multiply(D, A, { transposeA: true }), A, eta, unit);
      A = next;
      eta *= decay;
    },
    estimate: () => ({ A, B }),
    done: () => eta <= tolerance * scale,
  };
};

/** The first step, relative to the size of W. */
const STEP = 0.3;

/** a + η/unit · gradient (otherᵀ other + ηI)⁻¹. */
function moved(a: Matrix, gradient: Matrix, other: Matrix, eta: number, unit: number): Matrix {
  const gram = multiply(other, other, { transposeA: true });
  for (let i = 0; i < gram.rows; i++) gram.values[i * gram.rows + i]! += eta;
  const direction = transpose(choleskySolve(cholesky(gram), transpose(gradient)));
  const values = a.values.slice();
  addScaled(values, eta / unit, direction.values);
  return matrix(a.rows, a.columns, values);
}

function signs({ rows, columns, values }: Matrix): Matrix {
  return matrix(rows, columns, values.map(Math.sign));
}

/** Median of |y| for normal y is 0.6745 of its spread. */
function medianSize({ values }: Matrix): number {
  const sizes = values.map(Math.abs).sort();
  return sizes[Math.floor(sizes.length / 2)]! / 0.6745;
}
