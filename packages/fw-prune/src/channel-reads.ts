import { mul, tensor, tidy, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, UnsupportedModelError } from '@ockham/core';
import { traceChannels, type ChannelGroup } from '@ockham/core/graph';
import { variableOf, type Layer } from '@ockham/core/training';

/** A weight that reads the channels of a group: where a channel can be scaled without touching any other. */
export interface ChannelRead {
  readonly layer: Layer;
  readonly variable: Variable;
  /** The axis of the weight along which channels lie. */
  readonly axis: number;
  /** `positions[c]`: the places of channel c on that axis. */
  readonly positions: readonly (readonly number[])[];
}

/** A group of channels and all weights that read it. */
export interface ReadGroup {
  readonly group: ChannelGroup;
  readonly reads: readonly ChannelRead[];
}

/**
 * The group of channels made by a layer.
 *
 * @throws ArgumentError where no layer of that name makes channels, UnsupportedModelError where they cannot be chosen.
 */
export function readsOf(who: string, model: LayersModel, layerName: string): ReadGroup {
  const { groups } = traceChannels(model);
  const group = groups.find(({ producers }) => producers.includes(layerName));
  if (!group) {
    const names = [...new Set(groups.flatMap(({ producers }) => producers))];
    throw new ArgumentError(
      `${who}: no layer ${layerName} makes channels that other layers read. Choose from ${names.join(', ')}.`,
    );
  }
  if (group.frozen)
    throw new UnsupportedModelError(
      `${who}: the channels of ${layerName} cannot be selected: ${group.frozen}.`,
    );
  const reads = group.slices
    .filter(({ role }) => role === 'input')
    .map(({ layer: name, weight: weightName, axis, positions }): ChannelRead => {
      const layer = model.layers.find((candidate) => candidate.name === name);
      const weight = layer?.weights.find(({ originalName }) => originalName.endsWith(`/${weightName}`));
      if (!layer || !weight) {
        throw new UnsupportedModelError(
          `${who}: ${layerName} is read inside the nested model ${name}. Flatten the model first.`,
        );
      }
      return { layer, variable: variableOf(weight), axis, positions };
    });
  if (reads.length === 0)
    throw new UnsupportedModelError(
      `${who}: no layer reads the channels of ${layerName}: they are the model's output.`,
    );
  return { group, reads };
}

/** Multiplies what every reader takes from channel c by `gates[c]`. `original` values stay as they are. */
export function setGates(
  reads: readonly ChannelRead[],
  original: readonly Tensor[],
  gates: ArrayLike<number>,
): void {
  reads.forEach(({ variable, axis, positions }, i) => {
    const factors = new Float32Array(variable.shape[axis]!).fill(1);
    positions.forEach((places, c) => places.forEach((p) => (factors[p] = gates[c]!)));
    const shape = variable.shape.map((d, a) => (a === axis ? d : 1));
    tidy(() => variable.assign(mul(original[i]!, tensor(factors, shape))));
  });
}
