import { pad, serialization, type Tensor } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { ArgumentError } from '../errors.ts';
import type { ChannelMapped } from '../graph/channel-mapping.ts';
import { checkInteger } from './model-options.ts';

type Shape = (number | null)[];

/** Configuration of a {@link PadChannels} layer. */
export interface PadChannelsArgs {
  /** Zero channels put before the input's own, ≥ 0. */
  readonly before: number;
  /** Zero channels put after, ≥ 0. */
  readonly after: number;
  /** Name of the layer. Default: one that TensorFlow.js makes up. */
  readonly name?: string;
}

/**
 * Adds zero channels on both sides of the last axis: `[batch, …, c]` to `[batch, …, before + c + after]`.
 * Input channel `i` becomes output channel `before + i`. It is the shortcut of option A in He et al. 2015,
 * "Deep residual learning", without weights.
 *
 * Importing `@ockham/core/models` registers the class, so that models with it load from disk.
 */
export class PadChannels extends layers.Layer implements ChannelMapped {
  /** Names the class in saved models. @nocollapse */
  static className = 'PadChannels';
  /** See {@link PadChannelsArgs.before}. */
  readonly before: number;
  /** See {@link PadChannelsArgs.after}. */
  readonly after: number;

  constructor(args: PadChannelsArgs) {
    super({ ...args });
    checkInteger('PadChannels', 'before', args.before, 0);
    checkInteger('PadChannels', 'after', args.after, 0);
    this.before = args.before;
    this.after = args.after;
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = inputShape as Shape;
    const channels = shape.at(-1)!;
    return [...shape.slice(0, -1), channels === null ? null : this.before + channels + this.after];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    const widths = x.shape.map((_, axis): [number, number] =>
      axis === x.rank - 1 ? [this.before, this.after] : [0, 0],
    );
    return pad(x, widths);
  }

  /** For each output channel the input channel it copies, or −1 for a zero channel. */
  channelMapping(inputChannels: number): number[] {
    return Array.from({ length: this.before + inputChannels + this.after }, (_, output) => {
      const from = output - this.before;
      return from >= 0 && from < inputChannels ? from : -1;
    });
  }

  /**
   * The configuration that gives `mapping`, what is left of {@link channelMapping} after channels went.
   *
   * @throws ArgumentError for a mapping that is not the input's channels in order between zero channels.
   */
  configForMapping(mapping: readonly number[], inputChannels: number): serialization.ConfigDict {
    const first = mapping.indexOf(0);
    const before = first < 0 ? mapping.length : first;
    const after = mapping.length - before - inputChannels;
    const expected = new PadChannels({ before, after: Math.max(0, after) }).channelMapping(inputChannels);
    if (String(expected) !== String(mapping)) {
      throw new ArgumentError(
        `PadChannels: needs channels 0 … ${inputChannels - 1} in order between zero channels, got [${mapping.join(', ')}].`,
      );
    }
    return { before, after };
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), before: this.before, after: this.after };
  }
}

serialization.registerClass(PadChannels);
