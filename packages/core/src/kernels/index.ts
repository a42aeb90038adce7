/**
 * Compiled SIMD kernels and their plain TypeScript twins: sparse, quantised and attention products.
 *
 * @module
 */
export { bindKernels, compileKernels, hasRelaxedSimd } from './compile.ts';
export type { Kernels } from './kernels.ts';
export { GEOMETRY_BYTES, writeGeometry, type Conv2dGeometry } from './conv2d-geometry.ts';
export { blockRowsOf, type BlockRows } from './attention/block-rows.ts';
export { BLOCK_ATTENTION, BLOCK_ATTENTION_GRADIENT } from './attention/kernel-name.ts';
export type { BlockAttentionAttrs } from './twins/block-attention.ts';
export { sparseRowsOf, type SparseRows } from './sparse-rows.ts';
export {
  dequantiseRows,
  INT8_MAX_DEPTH,
  int8Products,
  quantiseRows,
  type Int8MatMulOptions,
  type Int8Products,
  type QuantisedRows,
} from './int8.ts';
export { fusedActivations, packPanels, panelNumbers, type FusedActivation } from './panels.ts';
export * from './quantized/index.ts';
export { sparseBlocksOf, type SparseBlocks } from './sparse-blocks.ts';
export { groupSlots, groupTable, sparseGroupsOf, type SparseGroups } from './sparse-groups.ts';
export { SLICE_COLUMNS, sparseSlicesOf, type SparseSlices } from './sparse-slices.ts';
export {
  sparsify,
  type SparseForm,
  type SparseLayer,
  type SparseModel,
  type SparsifyOptions,
} from './sparsify.ts';
