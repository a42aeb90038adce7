/**
 * QR, SVD, symmetric eigenvalues, Cholesky and least squares on `Float64Array`s, and on tensors.
 *
 * @module
 */
export * from './matrices.ts';
export { tensorCholesky, tensorEigh, tensorQr, tensorSvd, type TensorEighOptions } from './tensors.ts';
