/**
 * Product quantisation: a vector is cut into M parts, and each is kept as the number of its nearest codeword, one byte.
 *
 * Source: Jégou, Douze and Schmid 2011, "Product quantization for nearest neighbor search"; REMIND (Hayes et al. 2020) keeps features in it.
 * Deviations: none.
 */
import { ArgumentError } from '@ockham/core';
import { toRandom, type Seed } from '@ockham/core/random';
import { kMeans, nearestCentroid } from '../k-means.ts';

/** Options of {@link fitProductQuantiser}. */
export interface ProductQuantiserOptions {
  /** M: parts of a vector, each one byte; a divisor of the width. Default 32, REMIND's, or the largest divisor below. */
  readonly codebooks?: number;
  /** Codewords of a part, in [1, 256]. Default 256, REMIND's; never more than there are vectors. */
  readonly codewords?: number;
  /** Vectors that the codebooks are made from, drawn at random where there are more. Default 4,096. */
  readonly sample?: number;
  /** Passes of k-means for each part. Default 12. */
  readonly iterations?: number;
  /** Default 0. */
  readonly seed?: Seed;
}

/** Codebooks, fixed once made. */
export interface ProductQuantiser {
  /** Length of a vector. */
  readonly width: number;
  /** M: bytes of a code. */
  readonly codebooks: number;
  /** Bytes of the codebooks themselves. */
  readonly bytes: number;
  /** `[n, width]` to `[n, codebooks]`. */
  encode(vectors: ArrayLike<number>): Uint8Array;
  /** `[n, codebooks]` to `[n, width]`. */
  decode(codes: ArrayLike<number>): Float32Array;
}

/**
 * Makes codebooks by k-means on each part of the vectors.
 *
 * @param vectors `[n, width]`, row-major.
 * @throws ArgumentError for sizes out of range.
 */
export function fitProductQuantiser(
  vectors: Float32Array,
  width: number,
  options: ProductQuantiserOptions = {},
): ProductQuantiser {
  const who = 'fitProductQuantiser';
  const { codebooks = largestDivisor(width, 32), sample = 4096, iterations = 12, seed = 0 } = options;
  const n = vectors.length / width;
  if (!Number.isInteger(n) || n < 1) {
    throw new ArgumentError(
      `${who}: vectors must be [n, ${width}] with n ≥ 1, got ${vectors.length} values.`,
    );
  }
  if (!Number.isInteger(codebooks) || codebooks < 1 || width % codebooks !== 0) {
    throw new ArgumentError(
      `${who}: codebooks must divide the width ${width}, got ${codebooks}. For example ${largestDivisor(width, Math.max(1, Math.floor(codebooks)))}.`,
    );
  }
  const { codewords = 256 } = options;
  if (!Number.isInteger(codewords) || codewords < 1 || codewords > 256) {
    throw new ArgumentError(
      `${who}: codewords must be an integer in [1, 256], one byte each; got ${codewords}.`,
    );
  }
  if (!Number.isInteger(sample) || sample < 1) {
    throw new ArgumentError(`${who}: sample must be an integer ≥ 1, got ${sample}.`);
  }
  const random = toRandom(seed).stream('product-quantiser');
  const used = Math.min(n, sample);
  const rows = random.stream('sample').sample(n, used);
  const part = width / codebooks;
  const k = Math.min(codewords, used);
  const centroids = Array.from({ length: codebooks }, (_, m) => {
    const points = new Float32Array(used * part);
    for (let i = 0; i < used; i++) {
      const from = rows[i]! * width + m * part;
      points.set(vectors.subarray(from, from + part), i * part);
    }
    return kMeans(points, part, k, { iterations, seed: random.stream(m) }).centroids;
  });
  return {
    width,
    codebooks,
    bytes: codebooks * k * part * 4,
    encode: (given) => encode(given, width, centroids),
    decode: (codes) => decode(codes, width, centroids),
  };
}

function encode(vectors: ArrayLike<number>, width: number, centroids: readonly Float32Array[]): Uint8Array {
  const part = width / centroids.length;
  const codes = new Uint8Array((vectors.length / width) * centroids.length);
  for (let at = 0, from = 0; at < codes.length; at++, from += part) {
    codes[at] = nearestCentroid(vectors, from, centroids[at % centroids.length]!, part).index;
  }
  return codes;
}

function decode(codes: ArrayLike<number>, width: number, centroids: readonly Float32Array[]): Float32Array {
  const part = width / centroids.length;
  const vectors = new Float32Array(codes.length * part);
  for (let at = 0; at < codes.length; at++) {
    const from = codes[at]! * part;
    vectors.set(centroids[at % centroids.length]!.subarray(from, from + part), at * part);
  }
  return vectors;
}

function largestDivisor(width: number, most: number): number {
  for (let d = Math.min(width, most); d > 1; d--) if (width % d === 0) return d;
  return 1;
}
