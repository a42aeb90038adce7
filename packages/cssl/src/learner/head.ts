/** The last dense layer of a model, taken apart from the rest so that it can grow by a unit for each new class. */
import { ArgumentError, UnsupportedModelError } from '@ockham/core';
import type { Random } from '@ockham/core/random';
import { variableOf, type Layer } from '@ockham/core/training';
import {
  add,
  concat,
  matMul,
  tensor,
  tidy,
  variable,
  type Tensor,
  type Tensor2D,
  type Variable,
} from '@tensorflow/tfjs-core';
import { layers, model as connect, type LayersModel, type SymbolicTensor } from '@tensorflow/tfjs-layers';

type Dense = Layer & {
  readonly units: number;
  readonly kernel: Layer['weights'][number];
  readonly bias?: Layer['weights'][number];
  readonly kernelRegularizer?: { apply(kernel: Tensor): Tensor };
};

/** A model in two parts. */
export interface ModelParts {
  /** From the input to the features, `[batch, features]`, on the variables of the model. */
  readonly trunk: LayersModel;
  readonly features: number;
  /** The layer whose place the head takes; undefined where the model has none. */
  readonly dense: Dense | undefined;
}

/**
 * Finds the layer that gives the classes: the last dense layer, linear or softmax, a softmax layer after it included. A
 * model that ends otherwise is taken for one that gives features.
 *
 * @throws UnsupportedModelError where there is no place for a head.
 */
export function takeHead(who: string, model: LayersModel, head: 'replace' | 'add' | undefined): ModelParts {
  const end = model.outputs[0]!;
  let before = end;
  while (head !== 'add' && isOutputActivation(before.sourceLayer)) before = before.inputs[0]!;
  const last = before.sourceLayer;
  const replaces =
    head !== 'add' &&
    last.getClassName() === 'Dense' &&
    ['linear', 'softmax'].includes(last.getConfig()['activation'] as string);
  if (!replaces && (head === 'replace' || before !== end)) {
    throw new UnsupportedModelError(
      `${who}: the classes of ${model.name} come from the layer ${last.name} (${last.getClassName()}), which cannot grow. Let the model end with a dense layer, linear or softmax, or with its features.`,
    );
  }
  const features: SymbolicTensor = replaces ? before.inputs[0]! : end;
  const width = features.shape.at(-1);
  if (features.shape.length !== 2 || typeof width !== 'number') {
    throw new UnsupportedModelError(
      `${who}: the head needs features of shape [batch, features], ${model.name} gives [${features.shape.map((size) => size ?? 'batch').join(', ')}]. Flatten or pool them first.`,
    );
  }
  const trunk = connect({ inputs: model.inputs, outputs: features, name: `${model.name}_trunk` });
  return { trunk, features: width, dense: replaces ? (last as Dense) : undefined };
}

function isOutputActivation(layer: Layer): boolean {
  if (layer.getClassName() === 'Softmax') return true;
  return (
    layer.getClassName() === 'Activation' &&
    ['linear', 'softmax'].includes(layer.getConfig()['activation'] as string)
  );
}

/** Units for the classes that have appeared, in that order; owns its variables. */
export class Head {
  readonly features: number;
  readonly useBias: boolean;
  readonly #random: Random;
  readonly #dense: Dense | undefined;
  readonly #outputs = new Map<number, number>();
  #labels: number[] = [];
  #kernel: Variable | undefined; // [features, outputs]
  #bias: Variable | undefined; // [outputs]

  /** @param random What the weights of new units are drawn from. */
  constructor({ features, dense }: ModelParts, random: Random) {
    this.features = features;
    this.useBias = dense?.bias !== undefined || dense === undefined;
    this.#dense = dense;
    this.#random = random;
  }

  /** The class of each output. */
  get labels(): readonly number[] {
    return this.#labels;
  }

  get variables(): Variable[] {
    return [this.#kernel, this.#bias].filter((v) => v !== undefined);
  }

  outputOf(label: number): number | undefined {
    return this.#outputs.get(label);
  }

  /**
   * Takes the outputs of the model's own layer over, with what they have learnt.
   *
   * @throws ArgumentError where there are not as many labels as outputs.
   */
  adopt(who: string, labels: readonly number[]): void {
    const dense = this.#dense;
    if (!dense || dense.units !== labels.length) {
      throw new ArgumentError(
        `${who}: classes must name the label of each output of the model, ${dense?.units ?? 0}, got ${labels.length}. Leave it out where the outputs have learnt nothing.`,
      );
    }
    this.#become(labels, dense.kernel.read(), dense.bias?.read());
  }

  /**
   * A unit for each label. Its weights are drawn as Glorot and Bengio's uniform initialiser draws them in a layer of that many
   * units, its bias is 0.
   */
  add(labels: readonly number[]): void {
    const outputs = this.#labels.length + labels.length;
    const limit = Math.sqrt(6 / (this.features + outputs));
    const values = new Float32Array(this.features * labels.length);
    for (let i = 0; i < labels.length; i++) {
      const random = this.#random.stream(this.#labels.length + i);
      for (let row = 0; row < this.features; row++)
        values[row * labels.length + i] = random.uniform(-limit, limit);
    }
    tidy(() => {
      const units = tensor(values, [this.features, labels.length]);
      const biases = tensor(new Float32Array(labels.length), [labels.length]);
      this.#become(
        [...this.#labels, ...labels],
        this.#kernel ? concat([this.#kernel, units], 1) : units,
        this.#bias ? concat([this.#bias, biases]) : biases,
      );
    });
  }

  /** Puts saved units in the place of those that are there. */
  restore(labels: readonly number[], kernel: Float32Array, bias: Float32Array | undefined): void {
    tidy(() =>
      this.#become(
        labels,
        tensor(kernel, [this.features, labels.length]),
        bias && tensor(bias, [labels.length]),
      ),
    );
  }

  /** `[batch, features]` to `[batch, outputs]`. */
  logits(features: Tensor): Tensor {
    const product = matMul(features as Tensor2D, this.#kernel! as unknown as Tensor2D);
    return this.#bias ? add(product, this.#bias) : product;
  }

  /** The regularisation term of the model's own layer, for the units that are there now. */
  regularisation(): Tensor | undefined {
    return this.#dense?.kernelRegularizer?.apply(this.#kernel!);
  }

  /** A softmax layer on `features` with a copy of the units. */
  toLayer(features: SymbolicTensor): SymbolicTensor {
    const layer = layers.dense({
      name: this.#dense?.name ?? 'head',
      units: this.#labels.length,
      activation: 'softmax',
      useBias: this.useBias,
    });
    const output = layer.apply(features) as SymbolicTensor;
    for (const [i, weight] of layer.weights.entries()) variableOf(weight).assign(this.variables[i]!);
    return output;
  }

  dispose(): void {
    for (const value of this.variables) value.dispose();
    this.#kernel = undefined;
    this.#bias = undefined;
  }

  #become(labels: readonly number[], kernel: Tensor, bias: Tensor | undefined): void {
    const former = this.variables;
    this.#kernel = variable(kernel);
    this.#bias = this.useBias && bias ? variable(bias) : undefined;
    for (const value of former) value.dispose();
    this.#labels = [...labels];
    this.#outputs.clear();
    for (const [output, label] of labels.entries()) this.#outputs.set(label, output);
  }
}
