/**
 * Least squares for forms where each number of the table is ± one stored number: the optimum of a stored number is the
 * weighted mean of those that it stands for, ± undone.
 */
import type { QuotientRemainderEmbedding, RobeEmbedding } from '../layers/index.ts';

/** The circular array of a ROBE, `[m]`. */
export function fitRobe(layer: RobeEmbedding, table: Float32Array, weights: Float64Array): Float32Array {
  const { size, vocabulary, dimension: D } = layer;
  const sums = new Float64Array(size);
  const mass = new Float64Array(size);
  for (let x = 0; x < vocabulary; x++) {
    const places = layer.placesOf([x]);
    const signs = layer.signsOf([x]);
    for (let j = 0; j < D; j++) {
      sums[places[j]!]! += weights[x]! * signs[j]! * table[x * D + j]!;
      mass[places[j]!]! += weights[x]!;
    }
  }
  return Float32Array.from(sums, (sum, k) => (mass[k]! > 0 ? sum / mass[k]! : 0));
}

/** Quotients and remainders that are set side by side. */
export function fitConcatenated(
  { buckets, vocabulary, dimension: D }: QuotientRemainderEmbedding,
  table: Float32Array,
  weights: Float64Array,
): [quotients: Float32Array, remainders: Float32Array] {
  const first = Math.ceil(D / 2);
  return [
    means(Math.ceil(vocabulary / buckets), 0, first, (x) => Math.floor(x / buckets)),
    means(buckets, first, D, (x) => x % buckets),
  ];

  function means(rows: number, from: number, to: number, rowOf: (x: number) => number): Float32Array {
    const width = to - from;
    const sums = new Float64Array(rows * width);
    const mass = new Float64Array(rows);
    for (let x = 0; x < vocabulary; x++) {
      const row = rowOf(x);
      mass[row]! += weights[x]!;
      for (let j = 0; j < width; j++) sums[row * width + j]! += weights[x]! * table[x * D + from + j]!;
    }
    return Float32Array.from(sums, (sum, k) => sum / (mass[Math.floor(k / width)]! || 1));
  }
}
