/**
 * Progressive layer dropping: in training a block is skipped with a probability that grows with its depth and with time; a block that is
 * not skipped counts for more, so that the expectation stays.
 *
 * Source: Zhang and He 2020, Accelerating training of transformer-based language models with progressive layer dropping, equations 6
 * and 7: θ(t) = (1 − θ̄)·exp(−γ·t) + θ̄, p_l(t) = 1 − (l/L)·(1 − θ(t)).
 *
 * Deviations: the gate is on the change that a block makes, x + (B(x) − x)/p, which for the paper's pre-norm blocks is its sublayers'
 * form with one gate for both.
 */
import { ArgumentError } from '@ockham/core';
import { Random } from '@ockham/core/random';
import { flatLayers, withSeededDropout } from '@ockham/core/training';
import { add, div, serialization, sub, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { layers, type LayersModel } from '@tensorflow/tfjs-layers';

type Shape = (number | null)[];

/** Configuration of {@link LayerDrop}. */
export interface LayerDropArgs {
  /** A model of one input and one output of the same shape; it belongs to the layer. */
  readonly block: LayersModel;
  /** Probability that a step uses the block, in (0, 1]. Default 1. */
  readonly survival?: number;
  /** Default 0. `train` and the engine give every step a seed of its own. */
  readonly seed?: number;
  /** Name of the layer. Default: one that TensorFlow.js makes up. */
  readonly name?: string;
}

/** A block that training may skip, without computing it. Outside of training it is the block. */
export class LayerDrop extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'LayerDrop';
  /** The block, a model of its own. */
  readonly block: LayersModel;
  /** May be set between steps: {@link setSurvival}. */
  survival: number;
  /** Of the step's draw; set by `train` and the engine. */
  seed: number;
  /** Tells `train` to set {@link seed} for each step. */
  readonly seededNoise = true;

  constructor(args: LayerDropArgs) {
    super({ ...(args.name !== undefined && { name: args.name }) });
    checkSurvival(args.survival ?? 1);
    this.block = args.block;
    this.survival = args.survival ?? 1;
    this.seed = args.seed ?? 0;
  }

  /** Whether training uses the block with the present seed and probability. */
  survives(): boolean {
    return this.survival >= 1 || new Random(this.seed).uniform() < this.survival;
  }

  /** Those of the block; none while this layer is frozen. */
  override get trainableWeights(): LayersModel['trainableWeights'] {
    return this.trainable ? this.block.trainableWeights : [];
  }

  /** Those of the block; all of them while this layer is frozen. */
  override get nonTrainableWeights(): LayersModel['nonTrainableWeights'] {
    return this.trainable ? this.block.nonTrainableWeights : this.block.weights;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return inputShape as Shape;
  }

  override call(inputs: Tensor | Tensor[], kwargs: Record<string, unknown>): Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    const training = kwargs['training'] === true;
    return tidy(() => {
      if (training && !this.survives()) return x.clone();
      const y = withSeededDropout(this.block, new Random(this.seed), 0, () =>
        this.block.apply(x, kwargs),
      ) as Tensor;
      return training && this.survival < 1 ? add(x, div(sub(y, x), this.survival)) : y;
    });
  }

  override getConfig(): serialization.ConfigDict {
    const block = { className: this.block.getClassName(), config: this.block.getConfig() };
    return { ...super.getConfig(), block, survival: this.survival, seed: this.seed };
  }

  /** Makes the layer that a saved configuration describes, its block included. @nocollapse */
  static override fromConfig<T extends serialization.Serializable>(
    cls: serialization.SerializableConstructor<T>,
    config: serialization.ConfigDict,
  ): T {
    const { className, config: inner } = config['block'] as unknown as {
      className: string;
      config: serialization.ConfigDict;
    };
    const [type, fromConfig] = serialization.SerializationMap.getMap().classNameMap[className]!;
    return new cls({ ...config, block: fromConfig(type, inner) });
  }
}

serialization.registerClass(LayerDrop);

/** Options of {@link survivals}. */
export interface SurvivalsOptions {
  /** L ≥ 1. */
  readonly layers: number;
  /** θ̄ in (0, 1], which θ falls to. Default 0.5, the paper's. */
  readonly theta?: number;
  /** γ > 0 for each step. Default 0.001; the paper takes 100 ÷ the steps of a run. */
  readonly gamma?: number;
}

/**
 * The probabilities p_l of all blocks, l = 1 … L, at a step from 0.
 *
 * @throws ArgumentError for options out of range.
 */
export function survivals({
  layers: depth,
  theta = 0.5,
  gamma = 0.001,
}: SurvivalsOptions): (step: number) => Float64Array {
  if (!(Number.isInteger(depth) && depth >= 1 && theta > 0 && theta <= 1 && gamma > 0))
    throw new ArgumentError(
      `survivals: layers must be an integer ≥ 1, theta in (0, 1] and gamma above 0, got ${depth}, ${theta} and ${gamma}.`,
    );
  return (step) => {
    const now = (1 - theta) * Math.exp(-gamma * step) + theta;
    return Float64Array.from({ length: depth }, (_, l) => 1 - ((l + 1) / depth) * (1 - now));
  };
}

/**
 * Sets the probabilities of all blocks that a model may skip, in their order, from the next step on.
 *
 * @throws ArgumentError unless there is one for each.
 */
export function setSurvival(model: LayersModel, probabilities: ArrayLike<number>): void {
  const found = flatLayers(model).filter((layer) => layer instanceof LayerDrop);
  if (found.length === 0 || found.length !== probabilities.length)
    throw new ArgumentError(
      `setSurvival: there must be one probability for each LayerDrop of the model, got ${probabilities.length} for ${found.length}.`,
    );
  found.forEach((_, l) => checkSurvival(probabilities[l]!));
  found.forEach((layer, l) => (layer.survival = probabilities[l]!));
}

function checkSurvival(survival: number): void {
  if (survival > 0 && survival <= 1) return;
  throw new ArgumentError(`LayerDrop: survival must be in (0, 1], got ${survival}.`);
}
