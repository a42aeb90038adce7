import type { LayersModel } from '@tensorflow/tfjs-layers';
import { UnsupportedModelError } from '../errors.ts';
import { flatLayers, type Layer } from './layers.ts';

/** What a layer may hold: the layer of a wrapper, the two of `Bidirectional`, the cells of a recurrent layer. */
interface Holder {
  readonly layer?: Layer;
  readonly forwardLayer?: Layer;
  readonly backwardLayer?: Layer;
  readonly cell?: Layer;
  readonly cells?: readonly Layer[];
  /** Rates of a recurrent cell. */
  readonly dropout?: number;
  readonly recurrentDropout?: number;
  /** Rate of a dropout layer. */
  readonly rate?: number;
}

/**
 * What in a layer draws noise in training that `train` cannot seed, or undefined. TensorFlow.js takes a seed for
 * `Dropout` alone, and `train` reaches only those that are layers of the model.
 */
function unseededNoise(layer: Layer, within = false): string | undefined {
  const className = layer.getClassName();
  if (['GaussianNoise', 'GaussianDropout', 'AlphaDropout'].includes(className)) return className;
  const holder = layer as unknown as Holder;
  if (within && /Dropout/.test(className) && (holder.rate ?? 0) > 0) return className;
  const { dropout = 0, recurrentDropout = 0, cells = [] } = holder;
  if (dropout > 0 || recurrentDropout > 0) return `dropout of ${className}`;
  const held = [holder.layer, holder.forwardLayer, holder.backwardLayer, holder.cell, ...cells];
  for (const inner of held) {
    const noise = inner && unseededNoise(inner, true);
    if (noise !== undefined) return noise;
  }
  return undefined;
}

/** @throws UnsupportedModelError naming `who` and the first layer that cannot be seeded. */
export function refuseUnseededNoise(who: string, model: LayersModel): void {
  for (const layer of flatLayers(model)) {
    const noise = unseededNoise(layer);
    if (noise === undefined) continue;
    throw new UnsupportedModelError(
      `${who}: the layer ${layer.name} (${noise}) draws unseeded noise, so that a run could not be repeated. Use Dropout, as a layer of its own.`,
    );
  }
}
