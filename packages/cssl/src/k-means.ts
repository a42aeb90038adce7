/**
 * Lloyd's k-means with k-means++ seeding (Arthur and Vassilvitskii 2007), for the codebooks of product quantisation
 * and for pseudo-instances of a stream. Deviations: a centroid that loses all its points moves to the point that is
 * farthest from its own.
 */
import { ArgumentError } from '@ockham/core';
import { toRandom, type Random, type Seed } from '@ockham/core/random';

/** Options of {@link kMeans}. */
export interface KMeansOptions {
  /** Most passes, ≥ 1; ends earlier when no point moves. Default 20. */
  readonly iterations?: number;
  /** Default 0. */
  readonly seed?: Seed;
}

/** What {@link kMeans} finds. */
export interface KMeans {
  /** `[k, width]`, row-major. */
  readonly centroids: Float32Array;
  /** Nearest centroid of each point, `[n]`. */
  readonly labels: Int32Array;
  /** Sum over the points of the squared distance to their centroid. */
  readonly error: number;
}

/**
 * Splits points into `k` groups around their means.
 *
 * @param points `[n, width]`, row-major.
 * @param k In [1, n].
 * @throws ArgumentError for sizes out of range.
 */
export function kMeans(
  points: ArrayLike<number>,
  width: number,
  k: number,
  options: KMeansOptions = {},
): KMeans {
  const { iterations = 20, seed = 0 } = options;
  const n = points.length / width;
  if (!Number.isInteger(n) || n < 1) {
    throw new ArgumentError(`kMeans: points must be [n, ${width}] with n ≥ 1, got ${points.length} values.`);
  }
  if (!Number.isInteger(k) || k < 1 || k > n) {
    throw new ArgumentError(`kMeans: k must be an integer in [1, n] = [1, ${n}], got ${k}.`);
  }
  if (!Number.isInteger(iterations) || iterations < 1) {
    throw new ArgumentError(`kMeans: iterations must be an integer ≥ 1, got ${iterations}.`);
  }
  const centroids = spreadSeeds(points, width, n, k, toRandom(seed).stream('k-means'));
  const labels = new Int32Array(n).fill(-1);
  let error = assign(points, width, centroids, labels).error;
  for (let i = 0; i < iterations; i++) {
    moveToMeans(points, width, centroids, labels);
    const next = assign(points, width, centroids, labels);
    error = next.error;
    if (!next.moved) break;
  }
  return { centroids, labels, error };
}

/** Index of the centroid nearest to `values[offset …]` and the squared distance; of equal ones the first. */
export function nearestCentroid(
  values: ArrayLike<number>,
  offset: number,
  centroids: Float32Array,
  width: number,
): { index: number; distance: number } {
  let index = 0;
  let least = Infinity;
  for (let c = 0, at = 0; at < centroids.length; c++, at += width) {
    let sum = 0;
    for (let i = 0; i < width && sum < least; i++) {
      const d = values[offset + i]! - centroids[at + i]!;
      sum += d * d;
    }
    if (sum < least) {
      least = sum;
      index = c;
    }
  }
  return { index, distance: least };
}

/** k-means++: each next seed is a point, drawn in proportion to its squared distance from the seeds before. */
function spreadSeeds(
  points: ArrayLike<number>,
  width: number,
  n: number,
  k: number,
  random: Random,
): Float32Array {
  const centroids = new Float32Array(k * width);
  const distances = new Float64Array(n).fill(Infinity);
  let chosen = random.integer(n);
  for (let c = 0; c < k; c++) {
    for (let i = 0; i < width; i++) centroids[c * width + i] = points[chosen * width + i]!;
    const own = centroids.subarray(c * width, (c + 1) * width);
    let total = 0;
    for (let p = 0; p < n; p++) {
      distances[p] = Math.min(distances[p]!, nearestCentroid(points, p * width, own, width).distance);
      total += distances[p]!;
    }
    let left = random.uniform() * total;
    chosen = random.integer(n); // where all points coincide with seeds
    for (let p = 0; p < n && total > 0; p++) {
      left -= distances[p]!;
      if (left > 0 || distances[p] === 0) continue;
      chosen = p;
      break;
    }
  }
  return centroids;
}

function assign(
  points: ArrayLike<number>,
  width: number,
  centroids: Float32Array,
  labels: Int32Array,
): { error: number; moved: boolean } {
  let error = 0;
  let moved = false;
  for (let p = 0; p < labels.length; p++) {
    const { index, distance } = nearestCentroid(points, p * width, centroids, width);
    if (labels[p] !== index) moved = true;
    labels[p] = index;
    error += distance;
  }
  return { error, moved };
}

function moveToMeans(
  points: ArrayLike<number>,
  width: number,
  centroids: Float32Array,
  labels: Int32Array,
): void {
  const sums = new Float64Array(centroids.length);
  const counts = new Int32Array(centroids.length / width);
  for (let p = 0; p < labels.length; p++) {
    counts[labels[p]!]!++;
    for (let i = 0; i < width; i++) sums[labels[p]! * width + i]! += points[p * width + i]!;
  }
  const taken = new Set<number>();
  for (let c = 0; c < counts.length; c++) {
    const from = counts[c] === 0 ? farthest(points, width, centroids, labels, taken) : -1;
    for (let i = 0; i < width; i++) {
      centroids[c * width + i] = from >= 0 ? points[from * width + i]! : sums[c * width + i]! / counts[c]!;
    }
  }
}

function farthest(
  points: ArrayLike<number>,
  width: number,
  centroids: Float32Array,
  labels: Int32Array,
  taken: Set<number>,
): number {
  let most = -1;
  let found = 0;
  for (let p = 0; p < labels.length; p++) {
    if (taken.has(p)) continue;
    const own = centroids.subarray(labels[p]! * width, (labels[p]! + 1) * width);
    const { distance } = nearestCentroid(points, p * width, own, width);
    if (distance > most) [most, found] = [distance, p];
  }
  taken.add(found);
  return found;
}
