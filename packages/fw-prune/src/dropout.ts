import type { LayersModel } from '@tensorflow/tfjs-layers';
import { flatLayers } from '@ockham/core/training';

/** The dropout layers of a model with the rates that they came with. */
export interface DropoutRates {
  /**
   * Sets every rate to D_o·√d, d the fraction of prunable weights left (Han et al. 2015, eq. 3: pruning has reduced
   * the capacity that dropout was there to restrain). The same d gives the same rates, whatever was set before.
   */
  adjust(density: number): void;
}

/** Reads the rates of a model's dropout layers. */
export function dropoutRates(model: LayersModel): DropoutRates {
  const layers = flatLayers(model).filter((layer) => /Dropout/.test(layer.getClassName())) as unknown as {
    rate: number;
  }[];
  const original = layers.map(({ rate }) => rate);
  return {
    adjust(density) {
      for (const [i, layer] of layers.entries()) layer.rate = original[i]! * Math.sqrt(density);
    },
  };
}
