import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { ChannelGraph } from '@ockham/core/graph';
import { countFlops } from '@ockham/core/metrics';
import type { Layer } from '@ockham/core/training';

/** Channels that a group would keep. */
export type Kept = ReadonlyMap<string, number>;

/** What a model costs as a function of the channels that it keeps; exact, without building it. */
export interface Costs {
  /** FLOPs of one example. */
  flops(kept: Kept): number;
  parameters(kept: Kept): number;
}

/** A quantity that shrinks with some axes: `amount` times the kept fraction of each. */
interface Term {
  readonly layer: string;
  readonly amount: number;
  readonly axes: readonly Axis[];
}

/** An axis, and how many of its places each channel of a group takes. */
interface Axis {
  readonly length: number;
  readonly taken: ReadonlyMap<string, number>;
}

/**
 * Products with a weight scale with the weight's size; whatever else a layer does scales with the width of its
 * output.
 */
export async function costsOf(model: LayersModel, { groups }: ChannelGraph): Promise<Costs> {
  const sizes = new Map(groups.map(({ id, size }) => [id, size]));
  const weightAxes = new Map<string, Map<number, Map<string, number>>>(); // layer/weight → axis → group → places
  const widths = new Map<string, { length: number; taken: Map<string, number> }>();
  for (const { id, slices, carriers } of groups) {
    for (const { layer, weight, axis, positions } of slices) {
      const axes = entryOf(weightAxes, `${layer}/${weight}`, () => new Map<number, Map<string, number>>());
      entryOf(axes, axis, () => new Map<string, number>()).set(id, positions[0]!.length);
    }
    for (const { layer, width, perChannel } of carriers) {
      entryOf(widths, layer, () => ({ length: width, taken: new Map<string, number>() })).taken.set(
        id,
        perChannel,
      );
    }
  }

  const rows = (await countFlops(model)).layers;
  const flops: Term[] = [];
  const parameters: Term[] = [];
  const met = new Map<string, number>();
  for (const [path, layer] of layersByPath(model)) {
    const nth = met.get(layer.name) ?? 0;
    met.set(layer.name, nth + 1);
    const row = rows.filter(({ name }) => name === layer.name)[nth];
    const kernels = layer.weights.filter((weight) => /kernel$/.test(weight.originalName));
    const kernelSize = kernels.reduce((sum, weight) => sum + sizeOf(weight.shape), 0);
    for (const weight of layer.weights) {
      const name = weight.originalName.split('/').at(-1)!;
      const axes = [...(weightAxes.get(`${path}/${name}`) ?? [])].map(([axis, taken]): Axis => ({
        length: weight.shape[axis]!,
        taken,
      }));
      const size = sizeOf(weight.shape);
      parameters.push({ layer: path, amount: size, axes });
      if (row && kernels.includes(weight))
        flops.push({ layer: path, amount: (2 * row.macs * size) / kernelSize, axes });
    }
    const width = widths.get(path);
    if (row) flops.push({ layer: path, amount: row.flops - 2 * row.macs, axes: width ? [width] : [] });
  }
  const total = (terms: readonly Term[]) => (kept: Kept) =>
    terms.reduce(
      (sum, { amount, axes }) =>
        sum + amount * axes.reduce((part, axis) => part * keptFraction(axis, sizes, kept), 1),
      0,
    );
  return { flops: total(flops), parameters: total(parameters) };
}

function keptFraction({ length, taken }: Axis, sizes: ReadonlyMap<string, number>, kept: Kept): number {
  let left = length;
  for (const [id, places] of taken) {
    const size = sizes.get(id)!;
    left -= places * (size - (kept.get(id) ?? size));
  }
  return left / length;
}

/** Every layer that is not a model, by its name, `outer/inner` within a nested model. */
export function layersByPath(model: LayersModel, prefix = ''): Map<string, Layer> {
  return new Map(
    model.layers.flatMap((layer): [string, Layer][] =>
      'layers' in layer
        ? [...layersByPath(layer as unknown as LayersModel, `${prefix}${layer.name}/`)]
        : [[prefix + layer.name, layer]],
    ),
  );
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}

function sizeOf(shape: readonly (number | null)[]): number {
  return shape.reduce<number>((product, size) => product * size!, 1);
}
