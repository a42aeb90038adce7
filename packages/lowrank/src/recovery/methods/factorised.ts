/**
 * Section 3.2: gradient descent on A and B of f(A, B) = ½‖Y − XABᵀ‖² + ¼λ‖AᵀA − BᵀB‖², plain or scaled.
 *
 * Plain: η = ¾/(Lσ₁), σ₁ the largest singular value of A or B squared, now. Along both factors together the curvature is 2Lσ₁, so
 * that 1/(Lσ₁) is where rounds cease to converge. λ = μ/2 keeps the factors balanced (Tu et al. 2016) without being the stiffest.
 *
 * Scaled (Tong, Ma and Chi 2021): the gradients times (BᵀB + δI)⁻¹ and (AᵀA + δI)⁻¹, which makes the curvature that of XᵀX whatever
 * the singular values of W*: η = 2/(2L + μ). No λ is needed. δ falls with the gradient (as Zhang, Fattahi and Zhang 2021), so that
 * a rank above the true one does no harm.
 *
 * Both start at the r leading components of 2/(L + μ) XᵀY, one gradient step from zero. A step that raises f is
 * taken back and halved; ten that do not let it double again.
 */
import {
  cholesky,
  choleskySolve,
  eigh,
  matrix,
  multiply,
  transpose,
  type Matrix,
} from '@ockham/core/linalg/matrices';
import { addScaled, minus, squares } from '../least-squares.ts';
import { normal } from '../problem.ts';
import type { Context, Factors, Method, Solver } from './method.ts';
import { balancedFactors } from './projected-gradient.ts';

export const factorised: Method = (context) => descend(context, plainStep);
export const scaled: Method = (context) => descend(context, scaledStep);

interface Gradients {
  readonly f: number;
  readonly A: Matrix;
  readonly B: Matrix;
}

type Step = (context: Context, factors: Factors, gradients: Gradients, halvings: number) => Factors;

function descend(context: Context, step: Step): Solver {
  let factors = startingPoint(context);
  let gradients = gradientsAt(context, factors);
  let halvings = 0;
  let calm = 0;
  return {
    round() {
      if (halvings > 0 && ++calm === 10) [halvings, calm] = [halvings - 1, 0];
      for (let tries = 0; ; tries++) {
        const next = step(context, factors, gradients, halvings);
        const then = gradientsAt(context, next);
        const slack = 1e-12 * context.problem.power; // what is left at the end is rounding
        if (then.f <= gradients.f + slack || tries === 30) {
          [factors, gradients] = [next, then];
          return;
        }
        [halvings, calm] = [halvings + 1, 0];
      }
    },
    estimate: () => factors,
  };
}

/** Small random factors, or the leading components of a gradient step from zero. */
function startingPoint({ problem, rank, start, random }: Context): Factors {
  const { d, m, C, L, mu } = problem;
  const eta = 2 / (L + mu);
  const step = matrix(
    d,
    m,
    C.values.map((value) => eta * value),
  );
  if (start === 'spectral') return balancedFactors(step, rank);
  const size = 1e-2 * Math.sqrt(Math.sqrt(squares(step)) / Math.max(d, m));
  const small = (rows: number, name: string): Matrix => {
    const made = normal(rows, rank, random.stream(name));
    return matrix(
      rows,
      rank,
      made.values.map((value) => size * value),
    );
  };
  return { A: small(d, 'A'), B: small(m, 'B') };
}

/** ½‖T − RABᵀ‖² and its gradients −RᵀEB and −EᵀRA. */
function gradientsAt({ problem: { R, T } }: Context, { A, B }: Factors): Gradients {
  const RA = multiply(R, A); // [ρ, r]
  const E = minus(T, multiply(RA, B, { transposeB: true })); // [ρ, m]
  const negative = (a: Matrix): Matrix =>
    matrix(
      a.rows,
      a.columns,
      a.values.map((value) => -value),
    );
  return {
    f: squares(E) / 2,
    A: negative(multiply(R, multiply(E, B), { transposeA: true })),
    B: negative(multiply(E, RA, { transposeA: true })),
  };
}

const plainStep: Step = ({ problem: { L, mu } }, { A, B }, gradients, halvings) => {
  const [AA, BB] = [multiply(A, A, { transposeA: true }), multiply(B, B, { transposeA: true })];
  const sigma = Math.max(eigh(AA).values.at(-1)!, eigh(BB).values.at(-1)!);
  const eta = (0.75 / (L * sigma)) * 0.5 ** halvings;
  const lambda = mu / 2;
  const imbalance = minus(AA, BB);
  const move = (a: Matrix, gradient: Matrix, sign: 1 | -1): Matrix => {
    const values = a.values.slice();
    addScaled(values, -eta, gradient.values);
    addScaled(values, -eta * lambda * sign, multiply(a, imbalance).values);
    return matrix(a.rows, a.columns, values);
  };
  return { A: move(A, gradients.A, 1), B: move(B, gradients.B, -1) };
};

const scaledStep: Step = ({ problem: { L, mu } }, { A, B }, gradients, halvings) => {
  const eta = (2 / (2 * L + mu)) * 0.5 ** halvings;
  const move = (a: Matrix, gradient: Matrix, other: Matrix): Matrix => {
    const gram = multiply(other, other, { transposeA: true });
    const r = gram.rows;
    let trace = 0;
    for (let i = 0; i < r; i++) trace += gram.values[i * r + i]!;
    const damping = (DAMPING / L) * Math.sqrt(squares(gradient) / trace) + 1e-14 * trace;
    for (let i = 0; i < r; i++) gram.values[i * r + i]! += damping;
    const direction = transpose(choleskySolve(cholesky(gram), transpose(gradient)));
    const values = a.values.slice();
    addScaled(values, -eta, direction.values);
    return matrix(a.rows, a.columns, values);
  };
  return { A: move(A, gradients.A, B), B: move(B, gradients.B, A) };
};

/** δ relative to ‖∇f‖/L, which is what W is wrong by, about. */
const DAMPING = 0.1;
