import { input, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { CompressedEmbedding } from '../layers/index.ts';

/** Makes the weights of a layer that stands alone. Called, not built: TensorFlow.js disposes of no layer without a call. */
export function readyLayer(layer: CompressedEmbedding): void {
  const ids: SymbolicTensor = input({ shape: [1], dtype: 'int32' });
  layer.apply(ids);
}
