/**
 * The primitives in plain TypeScript, in place on interleaved complex numbers: what the compiled kernels are tested
 * against, and what runs where WebAssembly has no SIMD.
 */
import { parity } from './parity.ts';
import { FLIP, MATRIX, PAULI, PHASE, RY, SWAP, type Primitive } from './primitives.ts';

/** Applies a primitive, or its inverse, to a state of 2ⁿ complex numbers. */
export function applyPrimitive(
  state: Float64Array,
  primitive: Primitive,
  angle: number,
  inverse = false,
): void {
  const sign = inverse ? -1 : 1;
  const half = (sign * angle) / 2;
  switch (primitive.kind) {
    case MATRIX:
      applyMatrix(state, primitive, inverse ? adjointOf(primitive.matrix!) : primitive.matrix!);
      break;
    case RY: {
      const [c, s] = [Math.cos(half), Math.sin(half)];
      applyMatrix(state, primitive, [c, 0, -s, 0, s, 0, c, 0]);
      break;
    }
    case PAULI:
      applyPauliRotation(state, primitive, Math.cos(half), Math.sin(half));
      break;
    case PHASE:
      applyPhase(state, primitive.controls, Math.cos(sign * angle), Math.sin(sign * angle));
      break;
    case FLIP:
      exchange(state, primitive.controls, primitive.x, 0);
      break;
    case SWAP: {
      const low = primitive.x & -primitive.x;
      exchange(state, primitive.controls, low, primitive.x ^ low);
      break;
    }
  }
}

/**
 * What the angle of a primitive adds to the gradient, 2 Re⟨λ|(dU/dθ) U†|ψ⟩, with both states taken after it.
 */
export function gradientTerm(lambda: Float64Array, psi: Float64Array, primitive: Primitive): number {
  const { controls, x, z, ys } = primitive;
  const size = psi.length / 2;
  let re = 0;
  let im = 0;
  if (primitive.kind === PHASE) {
    for (let b = 0; b < size; b++) {
      if ((b & controls) !== controls) continue;
      im += lambda[2 * b]! * psi[2 * b + 1]! - lambda[2 * b + 1]! * psi[2 * b]!;
    }
    return -2 * im;
  }
  const pauli = primitive.kind === RY ? { x, z: x, ys: 1 } : { x, z, ys };
  for (let b = 0; b < size; b++) {
    if ((b & controls) !== controls) continue;
    const from = 2 * (b ^ pauli.x);
    const sign = parity((b ^ pauli.x) & pauli.z) ? -1 : 1;
    const [lr, li, pr, pi] = [lambda[2 * b]!, lambda[2 * b + 1]!, psi[from]!, psi[from + 1]!];
    re += sign * (lr * pr + li * pi);
    im += sign * (lr * pi - li * pr);
  }
  // Im(i^ys (re + i im))
  return [im, re, -im, -re][pauli.ys]!;
}

/** Real and imaginary parts of the four entries of a 2 × 2 matrix, row by row. */
type Entries = readonly [
  ar: number,
  ai: number,
  br: number,
  bi: number,
  cr: number,
  ci: number,
  dr: number,
  di: number,
];

function applyMatrix(state: Float64Array, { controls, x }: Primitive, m: readonly number[]): void {
  const [ar, ai, br, bi, cr, ci, dr, di] = m as Entries;
  const size = state.length / 2;
  for (let b = 0; b < size; b++) {
    if ((b & x) !== 0 || (b & controls) !== controls) continue;
    const [i, j] = [2 * b, 2 * (b | x)];
    const [pr, pi, qr, qi] = [state[i]!, state[i + 1]!, state[j]!, state[j + 1]!];
    state[i] = ar * pr - ai * pi + br * qr - bi * qi;
    state[i + 1] = ar * pi + ai * pr + br * qi + bi * qr;
    state[j] = cr * pr - ci * pi + dr * qr - di * qi;
    state[j + 1] = cr * pi + ci * pr + dr * qi + di * qr;
  }
}

function applyPauliRotation(
  state: Float64Array,
  { controls, x, z, ys }: Primitive,
  c: number,
  s: number,
): void {
  const size = state.length / 2;
  // −i sin · i^ys
  const [fr, fi] = [
    [0, -s],
    [s, 0],
    [0, s],
    [-s, 0],
  ][ys] as [number, number];
  for (let b = 0; b < size; b++) {
    const o = b ^ x;
    if (o < b || (b & controls) !== controls) continue;
    const [i, j] = [2 * b, 2 * o];
    const [pr, pi, qr, qi] = [state[i]!, state[i + 1]!, state[j]!, state[j + 1]!];
    const signO = parity(o & z) ? -1 : 1;
    state[i] = c * pr + signO * (fr * qr - fi * qi);
    state[i + 1] = c * pi + signO * (fr * qi + fi * qr);
    if (o === b) continue;
    const signB = parity(b & z) ? -1 : 1;
    state[j] = c * qr + signB * (fr * pr - fi * pi);
    state[j + 1] = c * qi + signB * (fr * pi + fi * pr);
  }
}

function applyPhase(state: Float64Array, mask: number, c: number, s: number): void {
  const size = state.length / 2;
  for (let b = 0; b < size; b++) {
    if ((b & mask) !== mask) continue;
    const [r, i] = [state[2 * b]!, state[2 * b + 1]!];
    state[2 * b] = c * r - s * i;
    state[2 * b + 1] = c * i + s * r;
  }
}

/** Exchanges the states that have bit `one` and not `other` with those that have it the other way round. */
function exchange(state: Float64Array, controls: number, one: number, other: number): void {
  const size = state.length / 2;
  for (let b = 0; b < size; b++) {
    if ((b & one) === 0 || (b & other) !== 0 || (b & controls) !== controls) continue;
    const [i, j] = [2 * b, 2 * ((b ^ one) | other)];
    const [r, im] = [state[i]!, state[i + 1]!];
    state[i] = state[j]!;
    state[i + 1] = state[j + 1]!;
    state[j] = r;
    state[j + 1] = im;
  }
}

function adjointOf(m: readonly number[]): number[] {
  const [ar, ai, br, bi, cr, ci, dr, di] = m as Entries;
  return [ar, -ai, cr, -ci, br, -bi, dr, -di];
}
