export { adamStep } from './adam';
export {
  blockAttention,
  blockAttentionBytes,
  blockAttentionGradient,
  blockAttentionGradientBytes,
} from './block-attention';
export { gemm, workspaceBytes } from './gemm';
export {
  convolve,
  convolveBytes,
  filterGradient,
  filterGradientBytes,
  finish,
  inputGradient,
  inputGradientBytes,
} from './conv2d';
export { depthwiseFilterGradient, depthwiseFilterGradientBytes, depthwiseInputGradient } from './depthwise';
export { averagePoolGradient, maxPoolGradient, maxPoolHalves } from './pool2d';
export { layerNorm, layerNormGradient, layerNormGradientBytes } from './layer-norm';
export { errorFunction, exponential } from './functions';
export { keepWithin, normalise, reluGradient, repeatRow, rowOperation } from './elementwise';
export { columnSums, columnSumsBytes, normalSums, normalSumsBytes } from './reduce';
export { blockProduct, sparseProduct, transpose } from './sparse';
export { blockVector, groupVector, sparseVector } from './sparse-vector';
export { int8Finish, int8Gemm, int8WorkspaceBytes } from './int8';
export { fusedAttention, fusedSoftmax } from './fused-attention';
export { fusedDense, fusedDenseBytes } from './fused-dense';
export { fusedEmbed } from './fused-embed';
export { fusedFinish } from './fused-finish';
export { gridRows, quantizeRows } from './quantized-rows';
export { quantizedBytes, quantizedEnding, quantizedFloats, quantizedProduct, quantizedRowBytes } from './quantized-product';
