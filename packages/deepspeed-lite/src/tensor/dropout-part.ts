import { Random } from '@ockham/core/random';
import { clone, dropout, serialization, type Tensor } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';

type Shape = (number | null)[];

/** Configuration of {@link DropoutPart}. */
export interface DropoutPartArgs {
  /** Fraction dropped in training, in [0, 1). */
  readonly rate: number;
  /** Number of the tensor rank. */
  readonly part: number;
  /** Name of the layer. Default: one that TensorFlow.js makes up. */
  readonly name?: string;
}

/**
 * Dropout between split layers (Shoeybi et al. 2019, section 3): the ranks have other units there, and each draws its own. Elsewhere all
 * must draw the same, as `Dropout` with one seed does.
 */
export class DropoutPart extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'DropoutPart';
  /** See {@link DropoutPartArgs.rate}. */
  readonly rate: number;
  /** See {@link DropoutPartArgs.part}. */
  readonly part: number;
  /** Set by who trains, the same on all ranks. */
  seed = 0;
  /** Tells `train` to set {@link seed} for each step. */
  readonly seededNoise = true;

  constructor(args: DropoutPartArgs) {
    super({ ...args });
    [this.rate, this.part] = [args.rate, args.part];
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return inputShape as Shape;
  }

  override call(inputs: Tensor | Tensor[], kwargs: Record<string, unknown>): Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    if (kwargs['training'] !== true || this.rate === 0) return clone(x);
    return dropout(x, this.rate, undefined, new Random(this.seed).stream('part').stream(this.part).seed());
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), rate: this.rate, part: this.part };
  }
}

serialization.registerClass(DropoutPart);
