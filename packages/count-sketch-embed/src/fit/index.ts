export {
  compressEmbeddings,
  type CompressEmbeddingsOptions,
  type CompressEmbeddingsReport,
  type CompressEmbeddingsResult,
} from './compress-embeddings.ts';
export { fitTable, type FittedTable, type TrainedTable } from './fit-table.ts';
export { FrozenEmbedding } from './frozen-embedding.ts';
export { Int8Embedding } from './int8-embedding.ts';
export type { FitOptions, TableForm, TableReport } from './options.ts';
export {
  ProductQuantisedEmbedding,
  type ProductQuantisedEmbeddingArgs,
} from './product-quantised-embedding.ts';
export { relativeError, type TableError } from './relative-error.ts';
export type { EmbeddingTargets } from './targets.ts';
