import { ArgumentError, UnsupportedModelError } from '@ockham/core';
import { flatLayers } from '@ockham/core/training';
import { input, model as connect, type LayersModel, type SymbolicTensor } from '@tensorflow/tfjs-layers';

/** A model in two parts on the variables of the whole: `upper(lower(x)) = whole(x)`. */
export interface ModelHalves {
  readonly lower: LayersModel;
  readonly upper: LayersModel;
  /** Shape between them, without the batch. */
  readonly shape: readonly number[];
}

/**
 * Cuts a model in two after a layer, or before its last dense layer. The parts share the layers of `model`, of
 * which the upper ones are used a second time: dispose of `upper` and of the model, not of `lower`.
 *
 * @param after Name of the layer; every way from the input to the output must lead through it. Default: what the last
 *   dense layer reads.
 * @throws ArgumentError for a layer that is not there; UnsupportedModelError where a way leads past it.
 */
export function cutModel(who: string, model: LayersModel, after?: string): ModelHalves {
  const between = after === undefined ? beforeLastDense(who, model) : outputOf(who, model, after);
  const shape = between.shape.slice(1).map((size) => {
    if (size !== null) return size;
    throw new UnsupportedModelError(`${who}: the size of ${between.name} must be known where it is cut.`);
  });
  const entry = input({ shape, name: `${model.name}_upper_input` });
  const made = new Map<SymbolicTensor, SymbolicTensor>([[between, entry]]);
  const redo = (symbol: SymbolicTensor): SymbolicTensor => {
    const done = made.get(symbol);
    if (done) return done;
    if (symbol.inputs.length === 0) {
      throw new UnsupportedModelError(
        `${who}: ${model.name} cannot be cut after ${between.sourceLayer.name}: a way from ${symbol.sourceLayer.name} leads past it. Cut where all ways have joined.`,
      );
    }
    const inputs = symbol.inputs.map(redo);
    const result = symbol.sourceLayer.apply(inputs.length === 1 ? inputs[0]! : inputs) as SymbolicTensor;
    made.set(symbol, result);
    return result;
  };
  const outputs = redo(model.outputs[0]!);
  return {
    lower: connect({ inputs: model.inputs, outputs: between, name: `${model.name}_lower` }),
    upper: connect({ inputs: entry, outputs, name: `${model.name}_upper` }),
    shape,
  };
}

function beforeLastDense(who: string, model: LayersModel): SymbolicTensor {
  let symbol = model.outputs[0]!;
  while (symbol.sourceLayer.getClassName() !== 'Dense') {
    if (symbol.inputs.length !== 1) {
      throw new UnsupportedModelError(`${who}: ${model.name} has no dense layer at its end.`);
    }
    symbol = symbol.inputs[0]!;
  }
  return symbol.inputs[0]!;
}

function outputOf(who: string, model: LayersModel, name: string): SymbolicTensor {
  const layer = flatLayers(model).find((candidate) => candidate.name === name);
  if (!layer) {
    throw new ArgumentError(
      `${who}: ${model.name} has no layer "${name}". Its layers are ${model.layers.map((l) => l.name).join(', ')}.`,
    );
  }
  return layer.output as SymbolicTensor;
}
