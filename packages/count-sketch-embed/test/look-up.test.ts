import * as tf from '@tensorflow/tfjs';
import { getBackend } from '@tensorflow/tfjs-core';
import { Random } from '@ockham/core/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { besidePass } from '../src/kernels/beside.ts';
import { composedGradient, composedLookUp } from '../src/kernels/composed.ts';
import { composedRobeGradient, composedRobeLookUp } from '../src/kernels/composed-robe.ts';
import {
  DistinctFinder,
  lookUpRobe,
  lookUpTokens,
  type RobeTokens,
  type SketchTokens,
} from '../src/kernels/index.ts';
import { gradientRobePlain, lookUpRobePlain } from '../src/kernels/plain-robe.ts';
import { gradientPlain, lookUpPlain } from '../src/kernels/plain.ts';
import { sketchForm } from '../src/kernels/table-form.ts';
import { plainEstimate } from '../src/layers/index.ts';

const inMemory = ['wasm', 'cpu'].includes(getBackend());

/** Batches of tokens with repeated ids, repeated rows and equal values. */
const batches = fc
  .record({
    groups: fc.integer({ min: 1, max: 7 }),
    size: fc.integer({ min: 1, max: 3 }),
    dimension: fc.oneof(fc.integer({ min: 1, max: 11 }), fc.integer({ min: 29, max: 70 })),
    own: fc.boolean(),
    rows: fc.integer({ min: 1, max: 6 }),
    tokens: fc.array(fc.nat(7), { minLength: 1, maxLength: 12 }),
    seed: fc.nat(1000),
  })
  .map(({ groups, size, dimension, own, rows, tokens, seed }) => {
    const hashes = groups * size;
    const { ids, places } = new DistinctFinder(8).find(tokens);
    const slots = Int32Array.from(
      { length: ids.length * hashes },
      (_, i) => (((i * 7 + seed) % rows) * dimension * 2) | (!own && (i * 5 + seed) % 3 === 0 ? 1 : 0),
    );
    const random = new Random(seed);
    const words = Int32Array.from({ length: slots.length * Math.ceil(dimension / 32) }, () =>
      random.integer(2 ** 32),
    );
    // some are equal, none is zero, which has two signs
    const values = Float32Array.from(
      { length: rows * dimension },
      (_, i) => Math.round(8 * Math.sin(seed + i)) + 0.5,
    );
    const dy = Float32Array.from({ length: tokens.length * dimension }, (_, i) => Math.cos(seed + 3 * i));
    const batch: SketchTokens = {
      ...{ hashes, groups, dimension, places, slots, unique: ids.length },
      ...(own && { words }),
    };
    return { batch, rows, values, dy };
  });

function plainly({ batch, values, dy }: typeof batches extends fc.Arbitrary<infer T> ? T : never) {
  const out = new Float32Array(dy.length);
  lookUpPlain(batch, values, out);
  const gradient = new Float32Array(values.length);
  gradientPlain(batch, values, dy, gradient);
  return { out, gradient };
}

describe('lookUpTokens', () => {
  it('is its TypeScript twin on any shape, forwards and backwards, and leaks nothing', () => {
    fc.assert(
      fc.property(batches, (given) => {
        const { batch, rows, values, dy } = given;
        const { out, gradient } = plainly(given);
        const before = tf.memory().numTensors;
        tf.tidy(() => {
          const sketch = tf.tensor2d(values, [rows, batch.dimension]);
          const weights = tf.tensor2d(dy, [batch.places.length, batch.dimension]);
          const vectors = lookUpTokens(sketch, batch).dataSync();
          const found = tf
            .grad((x) => tf.sum(tf.mul(lookUpTokens(x as tf.Tensor2D, batch), weights)))(sketch)
            .dataSync();
          if (inMemory) {
            expect(vectors).toEqual(out);
            expect(found).toEqual(gradient);
          } else {
            out.forEach((value, i) => expect(vectors[i]).toBeCloseTo(value, 5));
            gradient.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 5));
          }
        });
        expect(tf.memory().numTensors).toBe(before);
      }),
      { numRuns: 200 },
    );
  });

  it('is what the operations of the engine compose', () => {
    fc.assert(
      fc.property(batches, (given) => {
        const { batch, rows, values, dy } = given;
        const { out, gradient } = plainly(given);
        tf.tidy(() => {
          const sketch = tf.tensor2d(values, [rows, batch.dimension]);
          const weights = tf.tensor2d(dy, [batch.places.length, batch.dimension]);
          const vectors = composedLookUp(sketch, batch).dataSync();
          const found = composedGradient(sketch, batch, weights).dataSync();
          out.forEach((value, i) => expect(vectors[i]).toBeCloseTo(value, 5));
          gradient.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 5));
        });
      }),
      { numRuns: 50 },
    );
  });

  it('shows a NaN among the values of an id as NaN on every path, and an infinity as what it is', () => {
    const spoilt = fc.tuple(
      batches,
      fc.array(fc.nat(), { maxLength: 3 }),
      fc.array(fc.nat(), { maxLength: 3 }),
    );
    fc.assert(
      fc.property(spoilt, ([{ batch, rows, values: clean }, infinite, missing]) => {
        const { hashes, groups, dimension: D, places, slots } = batch;
        const values = clean.slice();
        infinite.forEach((at) => (values[at % values.length]! *= Infinity));
        missing.forEach((at) => (values[at % values.length] = NaN));
        const out = new Float32Array(places.length * D);
        lookUpPlain(batch, values, out);
        const shown = out.map((value) => +Number.isNaN(value));
        const lost = out.map((_, at) => {
          const first = places[Math.floor(at / D)]! * hashes;
          const rowsOfId = slots.subarray(first, first + hashes);
          return +rowsOfId.some((slot) => Number.isNaN(values[(slot >> 1) + (at % D)]));
        });
        // the mean of opposite infinities is NaN too
        const middles = groups === hashes && groups % 2 === 1;
        expect(shown).toEqual(middles ? lost : lost.map((one, at) => one | shown[at]!));
        tf.tidy(() => {
          const sketch = tf.tensor2d(values, [rows, D]);
          const paths = [
            lookUpTokens(sketch, batch),
            besidePass.lookUp(sketchForm, sketch, batch),
            composedLookUp(sketch, batch),
          ];
          for (const vectors of paths) {
            const found = vectors.dataSync();
            expect(found.map((value) => +Number.isNaN(value))).toEqual(shown);
            const close = (value: number, i: number) =>
              shown[i] === 1 || value === found[i] || Math.abs(value - found[i]!) < 1e-5;
            expect(out.every(close)).toBe(true);
          }
        });
      }),
      { numRuns: 150 },
    );
    expect(plainEstimate([1, NaN, 2], 'median', 1)).toBeNaN();
    expect(plainEstimate([1, NaN, 2, 3], 'median-of-means', 2)).toBeNaN();
    expect(plainEstimate([-Infinity, Infinity, 2], 'median', 1)).toBe(2);
  });

  it('gives all of the gradient to the one row that carries the median', () => {
    const batch: SketchTokens = {
      hashes: 3,
      groups: 3,
      dimension: 2,
      places: Int32Array.of(0, 0),
      unique: 1,
      slots: Int32Array.of(0, 4 + 1, 8), // rows 0, −1 and 2
    };
    tf.tidy(() => {
      const sketch = tf.tensor2d([1, 5, -2, 4, 7, 6], [3, 2]);
      const [value] = [lookUpTokens(sketch, batch)];
      expect([...value.dataSync()]).toEqual([2, 5, 2, 5]); // of 1, 2, 7 and of 5, −4, 6
      const gradient = tf.grad((x) => tf.sum(lookUpTokens(x as tf.Tensor2D, batch)))(sketch);
      expect([...gradient.dataSync()]).toEqual([0, 2, -2, 0, 0, 0]);
    });
  });
});

/** Batches for a circular array: runs that wrap, blocks of any width, with signs and without. */
const robes = fc
  .record({
    dimension: fc.oneof(fc.integer({ min: 1, max: 11 }), fc.integer({ min: 29, max: 70 })),
    block: fc.integer({ min: 1, max: 40 }),
    more: fc.nat(30),
    own: fc.boolean(),
    tokens: fc.array(fc.nat(7), { minLength: 1, maxLength: 12 }),
    seed: fc.nat(1000),
  })
  .map(({ dimension, block: wanted, more, own, tokens, seed }) => {
    const block = Math.min(wanted, dimension);
    const size = block + more;
    const { ids, places } = new DistinctFinder(8).find(tokens);
    const random = new Random(seed);
    const draw = (n: number, below: number) => Int32Array.from({ length: n }, () => random.integer(below));
    const starts = draw(ids.length * Math.ceil(dimension / block), size);
    const words = draw(ids.length * Math.ceil(dimension / 32), 2 ** 32);
    const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());
    const batch: RobeTokens = {
      ...{ dimension, block, size, places, starts, unique: ids.length },
      ...(own && { words }),
    };
    return { batch, values: normal(size), dy: normal(tokens.length * dimension) };
  });

describe('lookUpRobe', () => {
  it('is its TypeScript twin and what the operations of the engine compose', () => {
    fc.assert(
      fc.property(robes, ({ batch, values, dy }) => {
        const out = new Float32Array(dy.length);
        lookUpRobePlain(batch, values, out);
        const gradient = new Float32Array(values.length);
        gradientRobePlain(batch, values, dy, gradient);
        const before = tf.memory().numTensors;
        tf.tidy(() => {
          const array = tf.tensor1d(values);
          const weights = tf.tensor2d(dy, [batch.places.length, batch.dimension]);
          const vectors = lookUpRobe(array, batch).dataSync();
          const found = tf
            .grad((x) => tf.sum(tf.mul(lookUpRobe(x, batch), weights)))(array)
            .dataSync();
          expect(vectors).toEqual(out);
          if (inMemory) expect(found).toEqual(gradient);
          else gradient.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 4));
          expect(composedRobeLookUp(array, batch).dataSync()).toEqual(out);
          const composed = composedRobeGradient(array, batch, weights).dataSync();
          gradient.forEach((value, i) => expect(composed[i]).toBeCloseTo(value, 4));
        });
        expect(tf.memory().numTensors).toBe(before);
      }),
      { numRuns: 100 },
    );
  });
});

describe('DistinctFinder', () => {
  it('numbers ids in the order of their first appearance, batch after batch', () => {
    const finder = new DistinctFinder(10);
    for (let batch = 0; batch < 2; batch++) {
      const { ids, places } = finder.find([4, 9, 4, 0, 9]);
      expect([...ids]).toEqual([4, 9, 0]);
      expect([...places]).toEqual([0, 1, 0, 2, 1]);
    }
    expect(finder.find([]).ids).toHaveLength(0);
  });

  it('names an id that is out of range and goes on after it', () => {
    const finder = new DistinctFinder(10);
    expect(() => finder.find([4, 10])).toThrow(/\[0, 10\), got 10 at 1/);
    expect([...finder.find([4]).places]).toEqual([0]);
  });
});
