/**
 * The papers' networks as ordinary `tf.LayersModel`s, and their layers.
 *
 * @module
 */
export type { ModelOptions } from './model-options.ts';
export { tableOneCnn, type TableOneCnnOptions } from './table-one-cnn.ts';
export { lenet5, lenet300100, type Lenet5Options } from './lenet.ts';
export { mlp, type MlpOptions } from './mlp.ts';
export { alexnet32 } from './alexnet.ts';
export { vgg, type VggOptions } from './vgg.ts';
export { resnet, resnet18, resnet20, type ResnetOptions } from './resnet.ts';
export { bert } from './bert.ts';
export { nameLoadedActivation } from './layers/gelu-new.ts';
export {
  bertPresets,
  type BertOptions,
  type BertPreset,
  type BertSizes,
  type WordEmbeddingsArgs,
} from './bert-options.ts';
export { gpt, type GptOptions } from './gpt.ts';
export { pytorchBert } from './bert-weights.ts';
export { maskedTokenLoss } from './bert-loss.ts';
export { AttentionContext, AttentionProbabilities, type AttentionArgs } from './layers/attention.ts';
export { CausalMask } from './layers/causal-mask.ts';
export { FirstToken } from './layers/first-token.ts';
export { LayerNorm, type LayerNormArgs } from './layers/layer-norm.ts';
export { OutputBias } from './layers/output-bias.ts';
export { PaddingMask, type PaddingMaskArgs } from './layers/padding-mask.ts';
export { PositionEmbedding, type PositionEmbeddingArgs } from './layers/position-embedding.ts';
export { TiedEmbedding, type TiedEmbeddingArgs } from './layers/tied-embedding.ts';
export { TokenColumn, type TokenColumnArgs } from './layers/token-column.ts';
export { PadChannels, type PadChannelsArgs } from './pad-channels.ts';
export { checkModel, checkSingleInputAndOutput } from './check-model.ts';
export { cloneModel, weightsInOrderOfCreation } from './clone-model.ts';
export { modelFromFile } from './model-from-file.ts';
export {
  loadWeights,
  pytorchResnet,
  type LoadWeightsOptions,
  type WeightNaming,
  type WeightSource,
} from './load-weights.ts';
