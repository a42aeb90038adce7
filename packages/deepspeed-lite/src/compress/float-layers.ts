/** Which layers of a compressed model stayed as they were, and why. */
import { layerPaths } from '@ockham/core/graph';
import { variableOf } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { CompressOptions } from './options.ts';
import { packingRules } from './quantizable.ts';

/** A layer whose weights are not packed. */
export interface FloatLayer {
  /** Path of the layer. */
  readonly path: string;
  /** The layer's class. */
  readonly className: string;
  /** Of all its weights. */
  readonly values: number;
  /** Why it stays float32, in words. */
  readonly why: string;
}

/** The default of `quantize.smallest`. */
export const SMALLEST = 1024;

/**
 * The layers with weights that are not packed, in the model's order.
 *
 * @param packed Paths of those that are.
 */
export function floatLayers(
  model: LayersModel,
  packed: ReadonlySet<string>,
  { layers = {}, smallest = SMALLEST }: CompressOptions['quantize'],
): FloatLayer[] {
  return [...layerPaths(model)].flatMap(([layer, path]) => {
    const values = layer.weights.reduce((sum, weight) => sum + variableOf(weight).size, 0);
    if (values === 0 || packed.has(path)) return [];
    const className = layer.getClassName();
    const { dataFormat } = layer as unknown as { dataFormat?: string };
    const why = (): string => {
      if (!packingRules[className]) return `${className} has no packed form`;
      if (dataFormat === 'channelsFirst') return 'channels come first: only channels last are packed';
      if (layers[path] === 'float') return 'quantize.layers says float';
      return `its matrix has fewer than quantize.smallest = ${smallest} values`;
    };
    return [{ path, className, values, why: why() }];
  });
}
