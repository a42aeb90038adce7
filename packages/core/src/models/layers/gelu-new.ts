import { serialization } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers'; // registers the activation

/** The name that TensorFlow.js has for x · ½ (1 + tanh(√(2/π) (x + 0.044715 x³))), GPT-2's activation. */
export const GELU_NEW = 'gelu_new';

/** Loading a model, TensorFlow.js takes every string of its topology to camel case, the names of activations too. */
const LOADED_NAME = 'geluNew';

/** Lets `loadLayersModel` find it. Called where this package's models are imported; for files of other models, before they are read. */
export function nameLoadedActivation(): void {
  const { classNameMap } = serialization.SerializationMap.getMap();
  classNameMap[LOADED_NAME] ??= classNameMap[GELU_NEW]!;
}
nameLoadedActivation();
