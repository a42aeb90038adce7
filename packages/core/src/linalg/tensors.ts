/**
 * The decompositions for tensors: by TensorFlow's own operations on the native engine, in float32 throughout; on every
 * other engine by this room's, in float64, rounded at the end. Shapes, order and signs are the same.
 *
 * Errors are relative: ‖a − u diag(s) vᵀ‖ / ‖a‖ and ‖uᵀu − I‖ / ‖I‖, in the Frobenius norm.
 */
import { tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { ArgumentError } from '../errors.ts';
import { cholesky } from './cholesky.ts';
import { eigh } from './eigh.ts';
import { checkFinite, checkSquare } from './matrix.ts';
import type { Matrix } from './matrix.ts';
import { runNative } from './native-operation.ts';
import type { NativeOutput } from './native-operation.ts';
import { makeDiagonalPositive, qr } from './qr.ts';
import type { QrOptions } from './qr.ts';
import { fixSigns, svd } from './svd.ts';
import { symmetric } from './symmetric.ts';

/**
 * {@link svd} of a tensor `[m, n]`: `a = u diag(s) vᵀ` to 1e-5 of its norm. The caller disposes of what it returns.
 *
 * @returns u `[m, k]`, s `[k]`, v `[n, k]` with k = min(m, n)
 * @throws as {@link svd}
 *
 * @example
 * import { tensorSvd } from '@ockham/core/linalg';
 *
 * const { u, s, v } = await tensorSvd(kernel);
 */
export async function tensorSvd(
  a: Tensor2D,
): Promise<{ readonly u: Tensor2D; readonly s: Tensor1D; readonly v: Tensor2D }> {
  const values = await read('linalg.tensorSvd', a);
  const outputs = runNative('Svd', { compute_uv: true, full_matrices: false }, a, 3);
  if (!outputs) {
    const { u, s, v } = svd(values);
    return { u: toTensor(u), s: tensor1d(Float32Array.from(s)), v: toTensor(v) };
  }
  const [s, u, v] = outputs as [NativeOutput, NativeOutput, NativeOutput];
  const left = toMatrix(u);
  const right = toMatrix(v);
  fixSigns(left, right);
  return { u: toTensor(left), s: tensor1d(Float32Array.from(s.values)), v: toTensor(right) };
}

/**
 * {@link qr} of a tensor `[m, n]`, to 1e-5 of its norm. The caller disposes of what it returns.
 *
 * @throws as {@link qr}
 */
export async function tensorQr(
  a: Tensor2D,
  options: QrOptions = {},
): Promise<{ readonly q: Tensor2D; readonly r: Tensor2D }> {
  const values = await read('linalg.tensorQr', a);
  const { mode = 'thin' } = options;
  const known = mode === 'thin' || mode === 'full';
  const outputs = known ? runNative('Qr', { full_matrices: mode === 'full' }, a, 2) : undefined;
  if (!outputs) {
    const { q, r } = qr(values, options);
    return { q: toTensor(q), r: toTensor(r) };
  }
  const [q, r] = outputs.map(toMatrix) as [Matrix, Matrix];
  makeDiagonalPositive(q.values, r.values, q.rows, q.columns, r.columns);
  return { q: toTensor(q), r: toTensor(r) };
}

/** Options of {@link tensorEigh}. */
export interface TensorEighOptions {
  /** As of {@link eigh}. Default 1e-5, above what float32 rounding leaves in a product AᵀA. */
  readonly symmetryTolerance?: number;
}

/**
 * {@link eigh} of a symmetric tensor `[n, n]`, to 1e-5 of its norm. The caller disposes of what it returns.
 *
 * @returns values `[n]`, rising, and vectors `[n, n]`
 * @throws as {@link eigh}
 */
export async function tensorEigh(
  a: Tensor2D,
  options: TensorEighOptions = {},
): Promise<{ readonly values: Tensor1D; readonly vectors: Tensor2D }> {
  const { symmetryTolerance = 1e-5 } = options;
  const matrix = await read('linalg.tensorEigh', a);
  checkSquare('linalg.tensorEigh', 'a', matrix);
  const even: Matrix = { ...matrix, values: symmetric('linalg.tensorEigh', matrix, symmetryTolerance) };
  const outputs = runNative('SelfAdjointEigV2', { compute_v: true }, a, 2);
  if (!outputs) {
    const { values, vectors } = eigh(even);
    return { values: tensor1d(Float32Array.from(values)), vectors: toTensor(vectors) };
  }
  const [values, v] = outputs as [NativeOutput, NativeOutput];
  const vectors = toMatrix(v);
  fixSigns(vectors);
  return { values: tensor1d(Float32Array.from(values.values)), vectors: toTensor(vectors) };
}

/**
 * {@link cholesky} of a tensor `[n, n]`, to 1e-5 of its norm. The caller disposes of what it returns.
 *
 * @throws as {@link cholesky}
 */
export async function tensorCholesky(a: Tensor2D): Promise<Tensor2D> {
  const matrix = await read('linalg.tensorCholesky', a);
  checkSquare('linalg.tensorCholesky', 'a', matrix);
  try {
    const [l] = runNative('Cholesky', {}, a, 1) ?? [];
    if (l?.values.every(Number.isFinite)) return toTensor(toMatrix(l));
  } catch {
    // as where the result is NaN: TensorFlow does not say which pivot failed, and float64 may still succeed
  }
  return toTensor(cholesky(matrix));
}

async function read(who: string, a: Tensor2D): Promise<Matrix> {
  const [rows, columns] = a.shape;
  if (a.shape.length !== 2 || (a.dtype !== 'float32' && a.dtype !== 'int32')) {
    throw new ArgumentError(
      `${who}: a must be a float32 tensor [rows, columns], got ${a.dtype} [${a.shape.join(', ')}]. ` +
        'Reshape or cast it.',
    );
  }
  const matrix: Matrix = { rows, columns, values: Float64Array.from(await a.data()) };
  checkFinite(who, 'a', matrix);
  return matrix;
}

function toMatrix({ shape, values }: NativeOutput): Matrix {
  return { rows: shape[0]!, columns: shape[1]!, values };
}

function toTensor({ rows, columns, values }: Matrix): Tensor2D {
  return tensor2d(Float32Array.from(values), [rows, columns]);
}
