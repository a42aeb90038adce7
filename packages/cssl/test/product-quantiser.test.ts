import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '@ockham/core/random';
import { fitProductQuantiser, kMeans } from '@ockham/cssl';

function normals(length: number, seed = 1): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length }, () => random.normal());
}

const squaredError = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);

describe('k-means', () => {
  it('gives each point its nearest centroid, and each centroid the mean of its points', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 6 }),
        fc.nat(1000),
        (n, k, seed) => {
          fc.pre(k <= n);
          const points = normals(n * 2, seed);
          const { centroids, labels, error } = kMeans(points, 2, k, { seed, iterations: 100 });
          let sum = 0;
          for (let p = 0; p < n; p++) {
            const point = points.subarray(2 * p, 2 * p + 2);
            const distances = Array.from({ length: k }, (_, c) =>
              squaredError(point, centroids.subarray(2 * c, 2 * c + 2)),
            );
            expect(distances[labels[p]!]).toBe(Math.min(...distances));
            sum += Math.min(...distances);
          }
          expect(error).toBeCloseTo(sum, 5);
          for (let c = 0; c < k; c++) {
            const own = Array.from(labels.keys()).filter((p) => labels[p] === c);
            expect(own.length).toBeGreaterThan(0);
            const mean = own.reduce((total, p) => total + points[2 * p]!, 0) / own.length;
            expect(centroids[2 * c]).toBeCloseTo(mean, 4);
          }
        },
      ),
    ));

  it('has no error with a centroid for each point, also where points coincide', () => {
    expect(kMeans([1, 5, 9], 1, 3).error).toBe(0);
    expect(kMeans([4, 4, 4, 4], 1, 2).error).toBe(0);
  });

  it('finds separated groups', () => {
    const points = [0, 0.1, 10, 10.1, 20, 20.1];
    const { labels } = kMeans(points, 1, 3, { seed: 5 });
    expect(labels[0] === labels[1] && labels[2] === labels[3] && labels[4] === labels[5]).toBe(true);
    expect(new Set(labels).size).toBe(3);
  });

  it.each([
    [() => kMeans([1, 2, 3], 2, 1), /points must be \[n, 2\]/],
    [() => kMeans([1, 2], 1, 3), /k must be an integer in \[1, n\] = \[1, 2\], got 3/],
    [() => kMeans([1], 1, 1, { iterations: 0 }), /iterations/],
  ])('refuses sizes out of range: %#', (call, message) => expect(call).toThrow(message));
});

describe('product quantisation', () => {
  const vectors = normals(300 * 16);

  it('reconstructs better with more codebooks and with more codewords', () => {
    const error = (codebooks: number, codewords: number) => {
      const { encode, decode } = fitProductQuantiser(vectors, 16, { codebooks, codewords, seed: 2 });
      return squaredError(vectors, decode(encode(vectors)));
    };
    const byCodebooks = [1, 2, 4, 8, 16].map((codebooks) => error(codebooks, 16));
    const byCodewords = [1, 4, 16, 64, 256].map((codewords) => error(4, codewords));
    for (const errors of [byCodebooks, byCodewords]) {
      expect(errors).toEqual(errors.toSorted((a, b) => b - a));
      expect(new Set(errors).size).toBe(errors.length);
    }
  });

  it('takes the nearest codeword of each part, as a search over all codes finds', () => {
    const quantiser = fitProductQuantiser(vectors, 16, { codebooks: 2, codewords: 5 });
    const all = quantiser.decode(
      Uint8Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? Math.floor(i / 10) : Math.floor(i / 2) % 5)),
    );
    for (let v = 0; v < 20; v++) {
      const vector = vectors.subarray(v * 16, (v + 1) * 16);
      const best = Math.min(
        ...Array.from({ length: 25 }, (_, c) => squaredError(vector, all.subarray(c * 16, (c + 1) * 16))),
      );
      expect(squaredError(vector, quantiser.decode(quantiser.encode(vector)))).toBeCloseTo(best, 5);
    }
  });

  it('is exact where there is a codeword for each vector, at one byte a part', () => {
    const few = normals(20 * 6);
    const quantiser = fitProductQuantiser(few, 6, { codebooks: 3, iterations: 30 });
    const codes = quantiser.encode(few);
    expect(codes).toHaveLength(20 * 3);
    expect([...quantiser.decode(codes)]).toEqual([...few]);
    expect(quantiser.bytes).toBe(3 * 20 * 2 * 4);
  });

  it.each([
    [{ codebooks: 5 }, /codebooks must divide the width 16, got 5. For example 4/],
    [{ codewords: 257 }, /codewords must be an integer in \[1, 256\]/],
    [{ sample: 0 }, /sample/],
  ])('refuses %j', (options, message) => {
    expect(() => fitProductQuantiser(vectors, 16, options)).toThrow(message);
  });
});
