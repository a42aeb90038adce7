import { initializers, layers, sequential, type LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError } from '../errors.ts';
import {
  checkDropout,
  checkInputShape,
  checkInteger,
  layerSeeds,
  outputActivation,
  type ModelOptions,
} from './model-options.ts';

/** Options of {@link mlp}. */
export interface MlpOptions extends ModelOptions {
  /** Width of each hidden layer, from the input on; `[]` is a linear classifier. */
  readonly units: readonly number[];
  /** Activation of the hidden layers. Default `relu`. */
  readonly activation?: 'relu' | 'tanh' | 'sigmoid' | 'elu' | 'linear';
  /** Fraction dropped after each hidden layer while training, in [0, 1). Default 0: no dropout layer. */
  readonly dropout?: number;
  /** The model's name. Default `mlp`. */
  readonly name?: string;
}

/**
 * A multi-layer perceptron: flatten where the input has several axes, dense layers `dense1`, `dense2`, …, then
 * the layer `output`. Default `inputShape` `[28, 28, 1]`.
 *
 * @throws ArgumentError for an option out of range.
 *
 * @example
 * const model = mlp({ inputShape: [20], units: [64, 64], classes: 3, seed: 7 });
 */
export function mlp(options: MlpOptions): LayersModel {
  const {
    inputShape = [28, 28, 1],
    classes = 10,
    seed = 0,
    output = 'softmax',
    units,
    activation = 'relu',
    dropout = 0,
    name = 'mlp',
  } = options;
  checkInputShape('mlp', inputShape);
  checkInteger('mlp', 'classes', classes, 2);
  checkDropout('mlp', dropout);
  if (!((units as unknown) instanceof Array)) {
    throw new ArgumentError(
      `mlp: units must be an array of layer widths such as [300, 100], got ${String(units)}.`,
    );
  }
  for (const [i, width] of units.entries()) checkInteger('mlp', `units[${i}]`, width, 1);
  const seeds = layerSeeds(seed);

  const model = sequential({ name });
  if (inputShape.length > 1) model.add(layers.flatten({ name: 'flatten', inputShape: [...inputShape] }));
  const dense = (layer: string, width: number, act: NonNullable<MlpOptions['activation']> | 'softmax') =>
    model.add(
      layers.dense({
        name: layer,
        units: width,
        activation: act,
        kernelInitializer: initializers.glorotUniform({ seed: seeds(layer) }),
        ...(model.layers.length === 0 ? { inputShape: [...inputShape] } : {}),
      }),
    );
  for (const [i, width] of units.entries()) {
    dense(`dense${i + 1}`, width, activation);
    if (dropout > 0) model.add(layers.dropout({ name: `dropout${i + 1}`, rate: dropout }));
  }
  dense('output', classes, outputActivation('mlp', output));
  return model;
}
