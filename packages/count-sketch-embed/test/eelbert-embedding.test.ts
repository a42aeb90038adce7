import { ArgumentError } from '@ockham/core';
import { Random } from '@ockham/core/random';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { EelbertEmbedding } from '../src/layers/index.ts';
import golden from './fixtures/hashing.json' with { type: 'json' };

describe('EelbertEmbedding', () => {
  it('gives the bits of the Python twin, on whatever engine this runs', () => {
    for (const { seed, pooling, words, vectors } of golden.words) {
      const layer = new EelbertEmbedding({ words, dimension: 8, seed, pooling: pooling as 'mean' | 'root' });
      const ids = tf.tensor1d(Array.from(words.keys()), 'int32');
      const result = tf.tidy(() => (layer.apply(ids) as tf.Tensor).dataSync());
      expect([...result]).toEqual(vectors.flat());
      ids.dispose();
    }
  });

  it('gives a word the same vector in the vocabulary, out of it, and after it left the cache', () => {
    const words = ['run', 'runs', 'table', 'tables'];
    const layer = new EelbertEmbedding({ words, dimension: 12, cache: 1 });
    const other = new EelbertEmbedding({ words: ['else'], dimension: 12 });
    const ids = [0, 3, 0, 1, 0];
    expect([...layer.rowsOf(ids)]).toEqual([...other.vectorsOf(ids.map((x) => words[x]!))]);
    expect(other.vectorsOf(['nichtgesehen']).some((v) => v !== 0)).toBe(true);
    expect(() => other.vectorsOf([''])).toThrow(ArgumentError);
  });

  it('projects words out of the vocabulary as those in it', () => {
    const layer = new EelbertEmbedding({ words: ['run', 'table'], dimension: 5, project: true, inner: 9 });
    const rows = tf.tidy(() => (layer.apply(tf.tensor1d([1, 0], 'int32')) as tf.Tensor).dataSync());
    layer.vectorsOf(['table', 'run']).forEach((v, i) => expect(rows[i]).toBeCloseTo(v, 6));
    layer.dispose();
  });

  it('makes the printed mean over n-grams smaller for longer words, by the square root of their number', () => {
    const args = { words: ['internationalisation'], dimension: 30, grams: 1 };
    const mean = new EelbertEmbedding({ ...args, pooling: 'mean' }).rowsOf([0]);
    const root = new EelbertEmbedding(args).rowsOf([0]);
    mean.forEach((v, i) => expect(v * Math.sqrt(20)).toBeCloseTo(root[i]!, 6));
  });

  it.each(['mean', 'root'] as const)('brings words that share n-grams nearer, by the %s', (pooling) => {
    const random = new Random(21);
    const letters = (n: number) =>
      Array.from({ length: n }, () => String.fromCharCode(97 + random.integer(26))).join('');
    const disjoint = (a: string, b: string) => !Array.from(a).some((letter) => b.includes(letter));
    const pairs: [string, string][][] = [[], []];
    while (pairs[0]!.length < 1000) {
      const stem = letters(4);
      pairs[0]!.push([stem + letters(3), letters(1 + random.integer(3)) + stem]);
    }
    while (pairs[1]!.length < 1000) {
      const [a, b] = [letters(7), letters(5 + random.integer(3))];
      if (disjoint(a, b)) pairs[1]!.push([a, b]);
    }
    const layer = new EelbertEmbedding({ words: ['a'], dimension: 96, pooling });
    const samples = pairs.map((of) =>
      of.map(([a, b]) => {
        const [u, v] = [layer.vectorsOf([a]), layer.vectorsOf([b])];
        const dot = (p: Float32Array, q: Float32Array) => p.reduce((sum, x, i) => sum + x * q[i]!, 0);
        return dot(u, v) / Math.sqrt(dot(u, u) * dot(v, v));
      }),
    );
    const [near, far] = samples.map((of) => {
      const mean = of.reduce((a, b) => a + b, 0) / of.length;
      return { mean, ofMean: of.reduce((s, c) => s + (c - mean) ** 2, 0) / (of.length - 1) / of.length };
    });
    // Welch's t; 2.33 is p = .01, one-sided
    const t = (near!.mean - far!.mean) / Math.sqrt(near!.ofMean + far!.ofMean);
    expect(t).toBeGreaterThan(2.33);
    expect(near!.mean).toBeGreaterThan(0.3);
    expect(Math.abs(far!.mean)).toBeLessThan(0.1);
  });
});
