export { bindKernels, compileKernels, hasRelaxedSimd, type Kernels } from './compile.ts';
export { GEOMETRY_BYTES, writeGeometry, type Conv2dGeometry } from './conv2d-geometry.ts';
export { sparseRowsOf, type SparseRows } from './sparse-rows.ts';
export { sparsify, type SparseLayer, type SparseModel, type SparsifyOptions } from './sparsify.ts';
