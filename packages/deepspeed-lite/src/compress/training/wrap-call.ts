import type { Tensor } from '@tensorflow/tfjs-core';
import type { Layer } from '@ockham/core/training';

/** What a layer does in a forward pass. */
export type LayerFunction = (inputs: Tensor | Tensor[], kwargs: Record<string, unknown>) => Tensor | Tensor[];

/**
 * Puts `around` between a layer and its callers, until the returned function is called; wrappings end in the reverse order.
 * The layer keeps its class, weights and name, so that a model stays what it is for saving, tracing and training.
 */
export function wrapCall(layer: Layer, around: (inner: LayerFunction) => LayerFunction): () => void {
  const own = Object.getOwnPropertyDescriptor(layer, 'call');
  const stock: LayerFunction = layer.call;
  const inner: LayerFunction = (inputs, kwargs) => stock.call(layer, inputs, kwargs);
  layer.call = around(inner);
  return () => {
    if (own) Object.defineProperty(layer, 'call', own);
    else delete (layer as { call?: unknown }).call;
  };
}
