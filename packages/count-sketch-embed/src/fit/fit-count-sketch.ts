import { tensor } from '@tensorflow/tfjs-core';
import type { CountSketchEmbedding } from '../layers/index.ts';
import { leastSquaresSketch } from './least-squares-sketch.ts';
import { medianSketch } from './median-sketch.ts';

/** When a fit ends, and who is told. */
export interface FitLimits {
  readonly iterations: number;
  readonly tolerance: number;
  readonly round: (done: number, error?: number) => void;
}

/** Gives a count-sketch the rows that come nearest to `table` `[V, D]` by its own estimator; heavy hitters exactly. */
export function fitCountSketch(
  layer: CountSketchEmbedding,
  table: Float32Array,
  weights: Float64Array,
  limits: FitLimits,
): void {
  const { vocabulary, dimension: D, hashes, rows, estimator, groups, slots, heavyHitters } = layer;
  const heavy = new Set(heavyHitters);
  const tokens = Int32Array.from({ length: vocabulary }, (_, x) => x).filter((x) => !heavy.has(x));
  const height = hashes * rows + heavy.size;
  const problem = { table, dimension: D, weights, tokens, slots, hashes, height, ...limits };
  const S =
    estimator === 'mean'
      ? leastSquaresSketch(problem)
      : medianSketch(problem, estimator === 'median' ? hashes : groups);
  heavyHitters.forEach((x, k) => S.set(table.subarray(x * D, (x + 1) * D), (hashes * rows + k) * D));
  const values = tensor(S, [height, D]);
  layer.setWeights([values]);
  values.dispose();
}
