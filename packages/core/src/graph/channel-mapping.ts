import type { serialization } from '@tensorflow/tfjs-core';

/**
 * What a custom layer implements to be traced and resized by this room: a layer that copies channels, or puts
 * zeros beside them, without mixing their values, such as the option-A shortcut of a CIFAR ResNet.
 *
 * A custom layer without these methods freezes the channels that reach it.
 */
export interface ChannelMapped {
  /** For each output channel, the input channel that it copies, or −1 for a constant zero. */
  channelMapping(inputChannels: number): readonly number[];
  /** The entries of the layer's config that give `mapping` on `inputChannels` channels. */
  configForMapping(mapping: readonly number[], inputChannels: number): serialization.ConfigDict;
}

/** Whether a layer implements {@link ChannelMapped}. */
export function isChannelMapped(layer: unknown): layer is ChannelMapped {
  const candidate = layer as Partial<ChannelMapped>;
  return typeof candidate.channelMapping === 'function' && typeof candidate.configForMapping === 'function';
}
