export type { ModelOptions } from './model-options.ts';
export { tableOneCnn, type TableOneCnnOptions } from './table-one-cnn.ts';
export { lenet5, lenet300100, type Lenet5Options } from './lenet.ts';
export { mlp, type MlpOptions } from './mlp.ts';
export { alexnet32 } from './alexnet.ts';
export { vgg, type VggOptions } from './vgg.ts';
export { resnet, resnet18, resnet20, type ResnetOptions } from './resnet.ts';
export { PadChannels, type PadChannelsArgs } from './pad-channels.ts';
export { cloneModel } from './clone-model.ts';
export {
  loadWeights,
  pytorchResnet,
  type LoadWeightsOptions,
  type WeightNaming,
  type WeightSource,
} from './load-weights.ts';
