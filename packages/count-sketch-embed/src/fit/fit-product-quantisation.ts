import type { Random } from '@ockham/core/random';
import type { FitLimits } from './fit-count-sketch.ts';
import { kMeans } from './k-means.ts';
import type { ProductQuantisedEmbedding } from './product-quantised-embedding.ts';

/** Centroids for each part of `table` `[V, D]`, and the codes of its rows. */
export function fitProductQuantisation(
  layer: ProductQuantisedEmbedding,
  table: Float32Array,
  weights: Float64Array,
  random: Random,
  { iterations, round }: FitLimits,
): void {
  const { vocabulary: V, dimension: D, parts, centroids: K } = layer;
  const width = D / parts;
  const codes = new Uint8Array(V * parts);
  const all = new Float32Array(K * D);
  for (let m = 0; m < parts; m++) {
    const points = new Float32Array(V * width);
    for (let x = 0; x < V; x++) {
      const from = x * D + m * width;
      points.set(table.subarray(from, from + width), x * width);
    }
    const part = kMeans(points, weights, K, random.stream(m), iterations);
    all.set(part.centroids, m * K * width);
    for (const [x, k] of part.nearest.entries()) codes[x * parts + m] = k;
    round(Math.round(((m + 1) / parts) * iterations));
  }
  layer.setTable(codes, all);
}
