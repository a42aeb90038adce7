/**
 * Where the ranks of a tensor-parallel group talk: Megatron's f and g (Shoeybi et al. 2019, section 3), as layers. TensorFlow.js
 * calls a layer without waiting, and a message must be waited for; so these do nothing by themselves, and who runs the model on many
 * ranks stops at them and exchanges what passes through.
 */
import { clone, pad, serialization, type Tensor } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';

type Shape = (number | null)[];

/** What the ranks do at a marker layer. */
export type Marker = 'copy' | 'reduce' | 'gather';

/** f: forwards the identity, backwards the sum over the ranks. Stands before what is split by columns. */
export class CopyToRanks extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'CopyToRanks';

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return inputShape as Shape;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return clone(Array.isArray(inputs) ? inputs[0]! : inputs);
  }
}

/** g: forwards the sum over the ranks, backwards the identity. Stands after what is split by rows. */
export class ReduceFromRanks extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'ReduceFromRanks';

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return inputShape as Shape;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return clone(Array.isArray(inputs) ? inputs[0]! : inputs);
  }
}

/** Configuration of {@link GatherFromRanks}. */
export interface GatherFromRanksArgs {
  /** Width of the whole. */
  readonly width: number;
  /** Name of the layer. Default: one that TensorFlow.js makes up. */
  readonly name?: string;
}

/**
 * Forwards puts the ranks' parts of the last axis side by side, backwards keeps the own part. Stands after what is split by columns
 * and needed whole. Alone, its output has zeros in the place of the others' parts: only its shape is right.
 */
export class GatherFromRanks extends layers.Layer {
  /** Names the class in saved models. @nocollapse */
  static className = 'GatherFromRanks';
  /** See {@link GatherFromRanksArgs.width}. */
  readonly width: number;

  constructor(args: GatherFromRanksArgs) {
    super({ ...args });
    this.width = args.width;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return [...(inputShape as Shape).slice(0, -1), this.width];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    const others = this.width - x.shape.at(-1)!;
    const before = x.shape.slice(0, -1).map((): [number, number] => [0, 0]);
    return pad(x, [...before, [0, others]]);
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), width: this.width };
  }
}

/** What a layer marks, if it is a marker. */
export function markerOf(layer: layers.Layer): Marker | undefined {
  if (layer instanceof CopyToRanks) return 'copy';
  if (layer instanceof ReduceFromRanks) return 'reduce';
  return layer instanceof GatherFromRanks ? 'gather' : undefined;
}

serialization.registerClass(CopyToRanks);
serialization.registerClass(ReduceFromRanks);
serialization.registerClass(GatherFromRanks);
