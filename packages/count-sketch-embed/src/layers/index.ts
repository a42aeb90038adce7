export {
  CompressedEmbedding,
  type CompressedEmbeddingArgs,
  type LayerWeight,
  type TouchedRows,
} from './compressed-embedding.ts';
export { CountSketchEmbedding, type CountSketchEmbeddingArgs } from './count-sketch-embedding.ts';
export { EelbertEmbedding, type EelbertEmbeddingArgs } from './eelbert-embedding.ts';
export { plainEstimate, type Estimator } from './estimators.ts';
export { gatherRows } from './gather-rows.ts';
export { HashEmbedding, type HashEmbeddingArgs } from './hash-embedding.ts';
export { medianDeviation } from './median-deviation.ts';
export { mixedDimensionBlocks, type MixedDimensionBlocksOptions } from './mixed-dimension-blocks.ts';
export {
  MixedDimensionEmbedding,
  type DimensionBlock,
  type MixedDimensionEmbeddingArgs,
} from './mixed-dimension-embedding.ts';
export {
  NanoEmbedding,
  type NanoActivation,
  type NanoEmbeddingArgs,
  type NanoLora,
} from './nano-embedding.ts';
export {
  QuotientRemainderEmbedding,
  type Combination,
  type QuotientRemainderEmbeddingArgs,
} from './quotient-remainder-embedding.ts';
export { RobeEmbedding, type RobeEmbeddingArgs } from './robe-embedding.ts';
export { signAt, slotsOf, type Signs, type Slots, type SlotsOptions } from './slots.ts';
export { TableEmbedding } from './table-embedding.ts';
export {
  TensorTrainEmbedding,
  type TensorTrainEmbeddingArgs,
  type TensorTrainFactors,
  type Triple,
} from './tensor-train-embedding.ts';
