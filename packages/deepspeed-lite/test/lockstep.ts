import { addN, concat, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';

/**
 * Runs the models of all ranks of a tensor-parallel group side by side in one call, with plain operations in the place of the marker
 * layers, so that TensorFlow.js can differentiate all of it: the oracle of the asynchronous engine.
 */
export function lockstep(models: readonly LayersModel[], x: Tensor): Tensor[] {
  const known = models.map(() => new Map<number, Tensor>());
  for (const [r, model] of models.entries()) known[r]!.set(model.inputs[0]!.id, x);
  const valueOf = (r: number, tensor: SymbolicTensor): Tensor => {
    const ready = known[r]!.get(tensor.id);
    if (ready) return ready;
    const values = follow(models.map((model, rank) => twinOf(models[r]!, tensor, model, rank === r)));
    for (const [rank, model] of models.entries())
      known[rank]!.set(twinOf(models[r]!, tensor, model, rank === r).id, values[rank]!);
    return values[r]!;
  };
  const follow = (tensors: readonly SymbolicTensor[]): Tensor[] => {
    const inputs = tensors.map((tensor, r) =>
      tensor.sourceLayer.inboundNodes[tensor.nodeIndex]!.inputTensors.map((input) => valueOf(r, input)),
    );
    const kind = tensors[0]!.sourceLayer.getClassName();
    if (kind === 'ReduceFromRanks') return tensors.map(() => addN(inputs.map(([part]) => part!)));
    if (kind === 'GatherFromRanks')
      return tensors.map(() =>
        concat(
          inputs.map(([part]) => part!),
          -1,
        ),
      );
    return tensors.map((tensor, r) => {
      const given = inputs[r]!;
      return tensor.sourceLayer.apply(given.length === 1 ? given[0]! : given) as Tensor;
    });
  };
  return models.map((model, r) => valueOf(r, model.outputs[0]!));
}

/** The tensor of another rank's model that stands where this one stands. */
function twinOf(
  model: LayersModel,
  tensor: SymbolicTensor,
  other: LayersModel,
  same: boolean,
): SymbolicTensor {
  if (same) return tensor;
  const layer = other.layers[model.layers.indexOf(tensor.sourceLayer)]!;
  return layer.inboundNodes[tensor.nodeIndex]!.outputTensors[tensor.outputTensorIndex ?? 0]!;
}
