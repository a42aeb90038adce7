/**
 * What a layer's inputs look like on examples, and the static grid that follows.
 *
 * Source: Jacob et al. 2018, section 3; ranges by percentile and by least squared error as in every post-training toolkit.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { ActivationGrid } from './activation-grid.ts';
import { chooseScale } from './choose-scale.ts';
import type { GridRange } from './grid.ts';

/** Values that are kept of a layer's inputs; ranges by percentile and error are those of this sample. */
const SAMPLE = 65_536;

/**
 * The static grid of a layer's inputs.
 *
 * @param inputs Of the layer, batch by batch. Their extremes count exactly, whatever the sample.
 * @param range `minmax`, a percentile of magnitudes, or the least squared error.
 */
export async function staticGrid(inputs: readonly Tensor[], range: GridRange): Promise<ActivationGrid> {
  const total = inputs.reduce((sum, { size }) => sum + size, 0);
  const step = Math.max(1, Math.ceil(total / SAMPLE));
  const sample: number[] = [];
  let [low, high] = [0, 0];
  for (const batch of inputs) {
    const values = await batch.data<'float32'>();
    for (const value of values) {
      if (value < low) low = value;
      else if (value > high) high = value;
    }
    for (let i = 0; i < values.length; i += step) sample.push(values[i]!);
  }
  const values = Float32Array.from([low, high, ...sample]);
  const { scale, zero } = chooseScale(values, 'int8', { bits: 8, symmetric: false, range });
  return { kind: 'static', bits: 8, scale: scale === 0 ? 1 : scale, zero }; // of zeros any scale will do
}
