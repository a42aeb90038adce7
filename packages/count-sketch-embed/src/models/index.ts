export {
  BagOfEmbeddings,
  bagOfEmbeddings,
  type BagOfEmbeddingsArgs,
  type BagOfEmbeddingsOptions,
} from './bag-of-embeddings.ts';
export { clickModel, PairwiseProducts, type ClickModelOptions } from './click-model.ts';
export { copyEncoder } from './copy-encoder.ts';
export { LanguageModelHead, type LanguageModelHeadArgs } from './language-model-head.ts';
export {
  askedTokens,
  maskedLanguageModel,
  type MaskedLanguageModel,
  type MaskedLanguageModelOptions,
} from './masked-language-model.ts';
export type { EmbeddingLayer } from './embedding-layer.ts';
