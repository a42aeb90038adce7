import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { Layer } from '../training/layers.ts';

/** Sizes of the axes; `null` where any size will do, most often the batch. */
export type TensorShape = readonly (number | null)[];

/** One use of a layer in a model's graph: a shared layer has several. */
export interface LayerCall {
  /** The layer that is called. */
  readonly layer: Layer;
  /** Shapes with the batch first. */
  readonly inputShapes: readonly TensorShape[];
  /** Shapes with the batch first. */
  readonly outputShapes: readonly TensorShape[];
}

/**
 * The layer calls that lead from a model's inputs to its outputs, in order of computation; those within a
 * nested model stand in its place. Calls of the same layers by other models are not included.
 */
export function layerCalls(model: LayersModel): LayerCall[] {
  const calls: LayerCall[] = [];
  const visited = new Set<unknown>();
  const visit = (tensor: SymbolicTensor): void => {
    const layer = tensor.sourceLayer as Layer | undefined;
    const node = layer?.inboundNodes[tensor.nodeIndex];
    if (!layer || !node || visited.has(node)) return;
    visited.add(node);
    for (const input of node.inputTensors) visit(input);
    if ('layers' in layer) {
      calls.push(...layerCalls(layer as unknown as LayersModel));
      return;
    }
    calls.push({
      layer,
      inputShapes: node.inputTensors.map((input) => input.shape),
      outputShapes: node.outputTensors.map((output) => output.shape),
    });
  };
  for (const output of model.outputs) visit(output);
  return calls;
}
