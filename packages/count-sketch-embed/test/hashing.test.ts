import { ArgumentError } from '@ockham/core';
import { Random } from '@ockham/core/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RollingHash, SignBits, UniversalHash } from '../src/hashing/index.ts';
import { plainEstimate, RobeEmbedding, signAt, slotsOf } from '../src/layers/index.ts';
import golden from './fixtures/hashing.json' with { type: 'json' };

/** Σ (observed − expected)² / expected. */
function chiSquare(counts: readonly number[], expected: number): number {
  return counts.reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0);
}

/** A value that χ² with `freedom` degrees exceeds once in 10,000 times (Wilson and Hilferty). */
function chiSquareLimit(freedom: number): number {
  const s = 2 / (9 * freedom);
  return freedom * (1 - s + 3.719 * Math.sqrt(s)) ** 3;
}

/** A count-sketch of one number for each of d·R slots, from one for each token. */
function sketchOf(
  f: Float64Array,
  slots: ReturnType<typeof slotsOf>,
  hashes: number,
  rows: number,
): Float64Array {
  const sketch = new Float64Array(hashes * rows);
  for (let x = 0, at = 0; x < f.length; x++)
    for (const end = at + hashes; at < end; at++) sketch[slots.rows[at]!]! += slots.signs[at]! * f[x]!;
  return sketch;
}

function recoveriesOf(
  sketch: Float64Array,
  slots: ReturnType<typeof slotsOf>,
  x: number,
  d: number,
): number[] {
  return Array.from({ length: d }, (_, i) => slots.signs[x * d + i]! * sketch[slots.rows[x * d + i]!]!);
}

describe('hashes', () => {
  it('are those of the Python twin from the seed on', () => {
    for (const { seed, coefficients, keys, hashes, buckets, signs } of golden.universal) {
      const hash = UniversalHash.draw(new Random(seed));
      expect(hash.coefficients).toEqual(coefficients);
      expect(keys.map((x) => hash.hash(x))).toEqual(hashes);
      expect(keys.map((x) => hash.sign(x))).toEqual(signs);
      for (const [n, expected] of Object.entries(buckets)) {
        expect(keys.map((x) => hash.bucket(x, Number(n)))).toEqual(expected);
      }
    }
    for (const { seed, base, codes, grams } of golden.rolling) {
      const hash = RollingHash.draw(new Random(seed));
      expect(hash.base).toBe(base);
      grams.forEach((expected, n) => expect([...hash.grams(codes, n + 1)]).toEqual(expected));
    }
  });

  it('give count-sketch and ROBE the slots, places and signs of the Python twin', () => {
    const { seed, vocabulary, hashes, rows, ...expected } = golden.slots;
    const slots = slotsOf(vocabulary, hashes, rows, seed, { signs: true });
    expect([...slots.rows]).toEqual(expected.chosen);
    expect([...slots.signs]).toEqual(expected.signs);
    const { dimension } = expected;
    const apart = slotsOf(vocabulary, hashes, rows, seed, { signs: 'coordinate', dimension });
    expect([...apart.rows]).toEqual(expected.chosen);
    expect([...apart.words!].map((word) => word >>> 0)).toEqual(expected.words);
    const all = expected.coordinates.map((_, k) =>
      signAt(apart, Math.floor(k / dimension), k % dimension, dimension),
    );
    expect(all).toEqual(expected.coordinates);
    const { places, signs, ...args } = golden.robe;
    const robe = new RobeEmbedding(args);
    const ids = Array.from({ length: args.vocabulary }, (_, x) => x);
    expect([...robe.placesOf(ids)]).toEqual(places);
    expect([...robe.signsOf(ids)]).toEqual(signs);
  });

  it('refuse coefficients and bases outside their families', () => {
    expect(() => new UniversalHash([1, 2, 3, 2 ** 32])).toThrow(ArgumentError);
    expect(() => new UniversalHash([1, 2, 3.5, 4])).toThrow(/four unsigned 32-bit integers/);
    for (const base of [1, 2 ** 31 - 1, 3.5]) expect(() => new RollingHash(base)).toThrow(/base must be/);
  });
});

describe('RollingHash', () => {
  it('rolls to what each n-gram gives alone', () => {
    const codes = fc.array(fc.integer({ min: 0, max: 2 ** 31 - 2 }), { maxLength: 12 });
    fc.assert(
      fc.property(codes, fc.integer({ min: 1, max: 5 }), fc.nat(), (text, n, seed) => {
        const hash = RollingHash.draw(new Random(seed));
        const grams = hash.grams(text, n);
        expect(grams).toHaveLength(Math.max(0, text.length - n + 1));
        grams.forEach((value, t) => expect(hash.grams(text.slice(t, t + n), n)[0]).toBe(value));
      }),
    );
  });
});

describe('universal hashing', () => {
  it('spreads the keys of a vocabulary evenly, for each of many functions', () => {
    const random = new Random(11);
    const [keys, buckets, functions] = [30_522, 256, 40];
    // a function of the family may be uneven by chance: most of them must not be
    let uneven = 0;
    for (let f = 0; f < functions; f++) {
      const hash = UniversalHash.draw(random);
      const counts = new Array<number>(buckets).fill(0);
      for (let x = 0; x < keys; x++) counts[hash.bucket(x, buckets)]! += 1;
      if (chiSquare(counts, keys / buckets) > chiSquareLimit(buckets - 1)) uneven++;
    }
    expect(uneven).toBeLessThanOrEqual(2);
  });

  it.each([
    [0, 1],
    [17, 18],
    [5, 10],
    [1, 2 ** 31 + 1],
    [30_521, 65_536],
  ])('sends keys %i and %i to every pair of buckets and of signs equally often', (x, y) => {
    const random = new Random(x + y);
    const [draws, buckets] = [32_000, 8];
    const pairs = new Array<number>(buckets ** 2).fill(0);
    const signs = [0, 0, 0, 0];
    for (let draw = 0; draw < draws; draw++) {
      const hash = UniversalHash.draw(random);
      pairs[hash.bucket(x, buckets) * buckets + hash.bucket(y, buckets)]! += 1;
      signs[(hash.sign(x) > 0 ? 2 : 0) + (hash.sign(y) > 0 ? 1 : 0)]! += 1;
    }
    expect(chiSquare(pairs, draws / buckets ** 2)).toBeLessThan(chiSquareLimit(buckets ** 2 - 1));
    expect(chiSquare(signs, draws / 4)).toBeLessThan(chiSquareLimit(3));
  });

  it('gives coordinates of the same key and of two keys independent signs', () => {
    const random = new Random(12);
    const [draws, coordinates] = [8000, 40];
    const places: [number, number, number, number][] = [
      [3, 0, 3, 1],
      [3, 31, 3, 32],
      [3, 5, 4, 5],
      [3, 39, 90, 2],
    ];
    const counts = places.map(() => [0, 0, 0, 0]);
    const signs = [new Float32Array(coordinates), new Float32Array(coordinates)] as const;
    for (let draw = 0; draw < draws; draw++) {
      const bits = SignBits.draw(random.stream(draw), coordinates);
      places.forEach(([x, i, y, j], k) => {
        bits.fill(x, signs[0]);
        bits.fill(y, signs[1]);
        counts[k]![(signs[0][i]! > 0 ? 2 : 0) + (signs[1][j]! > 0 ? 1 : 0)]! += 1;
      });
    }
    for (const four of counts) expect(chiSquare(four, draws / 4)).toBeLessThan(chiSquareLimit(3));
  });
});

describe('a signed count-sketch', () => {
  const zipf = (n: number) => Float64Array.from({ length: n }, (_, x) => 1000 / (x + 1));

  it('recovers a number without bias, with variance (‖f‖² − f_x²) / R', () => {
    const [tokens, rows, x, draws] = [60, 8, 5, 20_000];
    const f = zipf(tokens);
    const errors: number[] = [];
    for (let seed = 0; errors.length < draws; seed++) {
      const slots = slotsOf(tokens, 10, rows, seed, { signs: true }); // ten independent hashes at a time
      errors.push(...recoveriesOf(sketchOf(f, slots, 10, rows), slots, x, 10).map((r) => r - f[x]!));
    }
    const expected = (f.reduce((sum, v) => sum + v * v, 0) - f[x]! ** 2) / rows;
    const mean = errors.reduce((a, b) => a + b, 0) / draws;
    const squares = errors.map((e) => e * e);
    const variance = squares.reduce((a, b) => a + b, 0) / draws;
    const ofVariance = squares.reduce((sum, s) => sum + (s - variance) ** 2, 0) / draws;
    expect(Math.abs(mean)).toBeLessThan(4 * Math.sqrt(expected / draws));
    expect(Math.abs(variance - expected)).toBeLessThan(4 * Math.sqrt(ofVariance / draws));
    expect(variance / expected).toBeCloseTo(1, 1);
  });

  it('errs by at most 3‖f_tail‖₂ / √R with d = 5 in 99 % of 1,000 Zipf trials', () => {
    const [tokens, d, rows, trials] = [2000, 5, 128, 1000];
    const f = zipf(tokens);
    // the tail leaves out the R/8 largest: few enough that a token seldom meets one of them
    const tail = Math.sqrt(f.subarray(rows / 8).reduce((sum, v) => sum + v * v, 0));
    const bound = (3 * tail) / Math.sqrt(rows);
    const random = new Random(13);
    const errorOf = (x: number, seed: number, signs: boolean) => {
      const slots = slotsOf(tokens, d, rows, seed, { signs });
      const recovered = recoveriesOf(sketchOf(f, slots, d, rows), slots, x, d);
      return Math.abs(plainEstimate(recovered, 'median', 1) - f[x]!);
    };
    let within = 0;
    const total = { signed: 0, plain: 0 };
    for (let seed = 0; seed < trials; seed++) {
      const x = random.integer(tokens);
      const error = errorOf(x, seed, true);
      if (error <= bound) within++;
      if (seed >= 100) continue; // enough for the ratio below, which is about 4.5
      total.signed += error;
      total.plain += errorOf(x, seed, false);
    }
    expect(within).toBeGreaterThanOrEqual(990);
    // the printed form, without signs, has a bias of about Σf / R
    expect(total.plain / total.signed).toBeGreaterThan(4);
  });
});
