/**
 * Weighted k-means.
 *
 * Source: Lloyd 1982, "Least squares quantization in PCM"; the start by D² sampling of Arthur and Vassilvitskii 2007.
 * Deviations: the start samples from at most 16 points per centroid; an empty cluster takes the point that is worst served.
 */
import { argMin, matMul, mul, square, sub, sum, tensor2d, tidy } from '@tensorflow/tfjs-core';
import type { Random } from '@ockham/core/random';

/** Rows of points for one product on the engine: bounds its memory. */
const CHUNK = 8192;

/** Centroids `[K, width]`, and of each point the nearest. */
export interface Clusters {
  readonly centroids: Float32Array;
  readonly nearest: Uint8Array;
}

/** @param points `[n, width]`; `weights` `[n]`; K ≤ 256. */
export function kMeans(
  points: Float32Array,
  weights: Float64Array,
  K: number,
  random: Random,
  iterations: number,
): Clusters {
  const n = weights.length;
  const width = points.length / n;
  const centroids = spread(points, weights, K, width, random);
  let nearest = assign(points, centroids, n, width);
  for (let round = 0; round < iterations; round++) {
    recentre(points, weights, nearest, centroids, width);
    const next = assign(points, centroids, n, width);
    const same = next.every((k, x) => k === nearest[x]);
    nearest = next;
    if (same) break;
  }
  return { centroids, nearest };
}

/** The first centroid by weight, each other by weight times its squared distance to the nearest so far. */
function spread(points: Float32Array, weights: Float64Array, K: number, width: number, random: Random) {
  const sample = random.sample(weights.length, Math.min(weights.length, 16 * K));
  const centroids = new Float32Array(K * width);
  const mass = Float64Array.from(sample, (x) => weights[x]!);
  const far = new Float64Array(sample.length).fill(Infinity);
  for (let k = 0; k < K; k++) {
    const total = mass.reduce((a, b) => a + b, 0);
    let left = random.uniform() * total;
    let pick = mass.findIndex((m) => (left -= m) < 0);
    if (pick < 0) pick = random.integer(sample.length);
    const from = sample[pick]! * width;
    centroids.set(points.subarray(from, from + width), k * width);
    sample.forEach((x, s) => {
      far[s] = Math.min(far[s]!, distance(points, x * width, centroids, k * width, width));
      mass[s] = weights[x]! * far[s];
    });
  }
  return centroids;
}

function assign(points: Float32Array, centroids: Float32Array, n: number, width: number): Uint8Array {
  const nearest = new Uint8Array(n);
  tidy(() => {
    const c = tensor2d(centroids, [centroids.length / width, width]);
    const norms = sum(square(c), 1); // [K]
    for (let at = 0; at < n; at += CHUNK) {
      const rows = Math.min(CHUNK, n - at);
      const ids = tidy(() => {
        const x = tensor2d(points.subarray(at * width, (at + rows) * width), [rows, width]);
        const products = matMul(x, c, false, true); // [rows, K]
        return argMin(sub(norms, mul(products, 2)), 1).dataSync(); // ‖x − c‖² − ‖x‖²
      });
      nearest.set(ids, at);
    }
  });
  return nearest;
}

function recentre(
  points: Float32Array,
  weights: Float64Array,
  nearest: Uint8Array,
  centroids: Float32Array,
  width: number,
): void {
  const sums = new Float64Array(centroids.length);
  const mass = new Float64Array(centroids.length / width);
  for (const [x, k] of nearest.entries()) {
    mass[k]! += weights[x]!;
    for (let j = 0; j < width; j++) sums[k * width + j]! += weights[x]! * points[x * width + j]!;
  }
  let worst: Int32Array | undefined;
  let empties = 0;
  for (const [k, total] of mass.entries()) {
    if (total > 0) for (let j = 0; j < width; j++) centroids[k * width + j] = sums[k * width + j]! / total;
  }
  for (const [k, total] of mass.entries()) {
    if (total > 0) continue;
    worst ??= byError(points, weights, nearest, centroids, width);
    const from = worst[empties++ % worst.length]! * width;
    centroids.set(points.subarray(from, from + width), k * width);
  }
}

/** Points from the worst to the best served. */
function byError(
  points: Float32Array,
  weights: Float64Array,
  nearest: Uint8Array,
  centroids: Float32Array,
  width: number,
): Int32Array {
  const off = weights.map((w, x) => w * distance(points, x * width, centroids, nearest[x]! * width, width));
  return Int32Array.from(off.keys()).sort((a, b) => off[b]! - off[a]! || a - b);
}

function distance(a: Float32Array, from: number, b: Float32Array, to: number, width: number): number {
  let total = 0;
  for (let j = 0; j < width; j++) total += (a[from + j]! - b[to + j]!) ** 2;
  return total;
}
