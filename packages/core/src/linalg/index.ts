export * from './matrices.ts';
export { tensorCholesky, tensorEigh, tensorQr, tensorSvd, type TensorEighOptions } from './tensors.ts';
