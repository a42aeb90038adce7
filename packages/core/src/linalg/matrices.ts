/**
 * All of this room that works on `Float64Array`s alone, without TensorFlow.js.
 *
 * @module
 */
export { cholesky, choleskySolve } from './cholesky.ts';
export { eigh, type Eigh, type EighOptions } from './eigh.ts';
export { lstsq, type Lstsq, type LstsqOptions } from './lstsq.ts';
export {
  checkFinite,
  identity,
  matrix,
  multiply,
  transpose,
  type Matrix,
  type MultiplyOptions,
} from './matrix.ts';
export { qr, type Qr, type QrOptions } from './qr.ts';
export { randomisedSvd, type RandomisedSvdOptions } from './randomised-svd.ts';
export { solveTriangular, type SolveTriangularOptions } from './solve-triangular.ts';
export { singularValues, svd, type Svd, type SvdOptions } from './svd.ts';
