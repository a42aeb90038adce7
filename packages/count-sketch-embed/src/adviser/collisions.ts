/**
 * How often tokens meet in a count-sketch, in closed form. A token x shares its row of one hash with one of k given others
 * with probability q(k) = 1 − (1 − 1/R)^k. Its vector is lost where, in at least half of its d hashes, it meets a token that
 * is as frequent or more: then the middle value need not be its own; P[Binomial(d, q) ≥ d/2]. All shares are of the
 * occurrences in the text, Σ_x p_x …; heavy hitters meet nobody.
 *
 * Source: Charikar, Chen and Farach-Colton 2002, section 3.2, which bounds the same events.
 */
import { ArgumentError } from '@ockham/core';
import { byFrequency, checkCounts } from '../fit/token-weights.ts';
import { slotsOf } from '../layers/slots.ts';

/** A count-sketch's sizes. */
export interface SketchSize {
  /** Hash functions d. */
  readonly hashes: number;
  /** Rows R of each. */
  readonly rows: number;
  /** How many of the most frequent tokens have rows of their own. */
  readonly heavyHitters: number;
}

/** Shares of a text's occurrences, each in [0, 1]. */
export interface Collisions {
  /** Whose token shares its row, of one hash, with any other that the text has. */
  readonly collisionRate: number;
  /** Whose token shares its row, of one hash, with one that is as frequent or more. */
  readonly outweighedRate: number;
  /** Whose token is outweighed in at least half of its hashes. */
  readonly lossRate: number;
}

/**
 * What to expect of random hash functions.
 *
 * @param counts How often the text has each token, by id. Tokens that it does not have count for nothing.
 * @throws ArgumentError for counts that are negative, not finite or all zero.
 */
export function predictCollisions(counts: ArrayLike<number>, size: SketchSize): Collisions {
  checkSome('predictCollisions', counts);
  return predictSorted(sortedCounts(counts), size);
}

/** {@link predictCollisions} of counts above zero, the largest first. */
export function predictSorted(sorted: Float64Array, { hashes, rows, heavyHitters }: SketchSize): Collisions {
  const text = sorted.reduce((a, b) => a + b, 0);
  const light = sorted.subarray(heavyHitters);
  const spared = Math.log1p(-1 / rows); // −∞ for one row
  const q = (others: number) => (others === 0 ? 0 : -Math.expm1(others * spared));
  const any = q(light.length - 1);
  const sums = { collisionRate: 0, outweighedRate: 0, lossRate: 0 };
  const half = Math.ceil(hashes / 2);
  for (const [k, count] of light.entries()) {
    const p = count / text;
    const outweighed = q(k);
    sums.collisionRate += p * any;
    sums.outweighedRate += p * outweighed;
    sums.lossRate += p * atLeast(half, hashes, outweighed);
  }
  return sums;
}

/** The same shares, counted with the hash functions that a `CountSketchEmbedding` of this seed has. */
export function countCollisions(counts: ArrayLike<number>, size: SketchSize, seed: number): Collisions {
  checkSome('countCollisions', counts);
  const { hashes: d, rows, heavyHitters } = size;
  const order = byFrequency(counts).filter((id) => counts[id]! > 0);
  const light = order.subarray(heavyHitters);
  const slots = slotsOf(counts.length, d, rows, seed);
  const crowd = new Int32Array(d * rows);
  for (const x of light) for (let i = 0; i < d; i++) crowd[slots.rows[x * d + i]!]!++;
  const text = order.reduce((total, x) => total + counts[x]!, 0);
  const taken = new Uint8Array(d * rows);
  const sums = { collisionRate: 0, outweighedRate: 0, lossRate: 0 };
  for (const x of light) {
    const p = counts[x]! / text;
    let outweighed = 0;
    for (let i = 0; i < d; i++) {
      const row = slots.rows[x * d + i]!;
      if (crowd[row]! > 1) sums.collisionRate += p / d;
      outweighed += taken[row]!;
      taken[row] = 1;
    }
    sums.outweighedRate += (p * outweighed) / d;
    if (2 * outweighed >= d) sums.lossRate += p;
  }
  return sums;
}

/** Counts above zero, the largest first. */
export function sortedCounts(counts: ArrayLike<number>): Float64Array {
  return Float64Array.from(counts)
    .filter((count) => count > 0)
    .sort()
    .reverse();
}

/** @throws ArgumentError for counts that are negative, not finite or all zero. */
export function checkSome(who: string, counts: ArrayLike<number>): void {
  checkCounts(who, 'counts', counts);
  if (Array.prototype.some.call(counts, (count: number) => count > 0)) return;
  throw new ArgumentError(`${who}: counts must have one above 0, got none of ${counts.length}.`);
}

/** P[Binomial(n, q) ≥ least]. */
function atLeast(least: number, n: number, q: number): number {
  if (q >= 1) return 1;
  let term = (1 - q) ** n; // P[= 0]
  let below = 0;
  for (let k = 0; k < least; k++) {
    below += term;
    term *= ((n - k) / (k + 1)) * (q / (1 - q));
  }
  return Math.max(0, 1 - below);
}
