/** A model as the flat list of its layers' calls. */
import { UnsupportedModelError } from '@ockham/core';
import { isModel } from '@ockham/core/graph';
import type { Layer } from '@ockham/core/training';
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';

/** A tensor between layers, by a number that is its own in the whole program. */
export type Value = number;

/** One call of a layer. */
export interface LayerCall {
  /** The layer that is called. */
  readonly layer: Layer;
  /** What it reads. */
  readonly inputs: readonly Value[];
  /** What it gives. */
  readonly outputs: readonly Value[];
}

/** The calls of a model, in the order in which the model makes them itself. */
export interface Calls {
  /** What the model is given. */
  readonly inputs: readonly Value[];
  /** What the model gives. */
  readonly outputs: readonly Value[];
  /** In the order in which they are made. */
  readonly calls: readonly LayerCall[];
}

/**
 * Lists the calls of a model's layers; nested models are entered, a layer that is called twice is there twice.
 *
 * @throws UnsupportedModelError naming the layer, for masks of Keras and stateful layers.
 */
export function callsOf(who: string, model: LayersModel): Calls {
  const calls: LayerCall[] = [];
  let values = 0;
  const enter = (inner: LayersModel, given: readonly Value[]): Value[] => {
    const known = new Map<number, Value>(inner.inputs.map((input, i) => [input.id, given[i]!]));
    for (const tensor of inOrder(inner.outputs, known)) {
      const layer = tensor.sourceLayer;
      const node = layer.inboundNodes[tensor.nodeIndex]!;
      if (known.has(tensor.id)) continue;
      const inputs = node.inputTensors.map((input) => known.get(input.id)!);
      const made = isModel(layer) ? enter(layer, inputs) : node.outputTensors.map(() => values++);
      for (const [i, output] of node.outputTensors.entries()) known.set(output.id, made[i]!);
      if (isModel(layer)) continue;
      refuse(who, layer);
      calls.push({ layer, inputs, outputs: made });
    }
    return inner.outputs.map((output) => known.get(output.id)!);
  };
  const inputs = model.inputs.map(() => values++);
  const outputs = enter(model, inputs);
  return { inputs, outputs, calls };
}

/** The order of TensorFlow.js, which decides in what order gradients of a tensor with several users are added. */
function inOrder(fetches: readonly SymbolicTensor[], known: ReadonlyMap<number, Value>): SymbolicTensor[] {
  const visited = new Set(known.keys());
  const sorted: SymbolicTensor[] = [];
  for (const fetch of fetches) {
    const stack = [fetch];
    const open = new Set<number>();
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      if (visited.has(top.id)) stack.pop();
      else if (open.has(top.id)) {
        stack.pop();
        visited.add(top.id);
        sorted.push(top);
      } else {
        open.add(top.id);
        for (const input of top.inputs) if (!visited.has(input.id)) stack.push(input);
      }
    }
  }
  return sorted;
}

function refuse(who: string, layer: Layer): void {
  const { maskZero } = layer as { maskZero?: boolean };
  if (layer.getClassName() === 'Masking' || maskZero === true)
    throw new UnsupportedModelError(
      `${who}: the layer ${layer.name} makes a mask of Keras, which does not go from block to block. Compute the mask as a tensor, as PaddingMask of @ockham/core/models does.`,
    );
  if (layer.stateful)
    throw new UnsupportedModelError(
      `${who}: the layer ${layer.name} is stateful, and its state would depend on the rank. Set stateful: false.`,
    );
}
