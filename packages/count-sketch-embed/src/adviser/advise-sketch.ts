import { ArgumentError } from '@ockham/core';
import { byFrequency } from '../fit/token-weights.ts';
import { atLeastOne } from '../layers/compressed-embedding.ts';
import { checkSome, predictSorted, sortedCounts, type Collisions } from './collisions.ts';

/** What {@link adviseSketch} is asked. */
export interface AdviseSketchOptions {
  /** How often the text has each token, by id. */
  readonly counts: ArrayLike<number>;
  /** What the saved table may take, without the header of its file. */
  readonly bytes: number;
  /** Width D of a vector. */
  readonly dimension: number;
  /** Numbers of hashes to choose from. Default 1, 3, 5, 7: of even numbers, half may fail. */
  readonly hashes?: readonly number[];
}

/** Sizes for a `CountSketchEmbedding`, and what to expect of them. */
export interface SketchAdvice extends Collisions {
  /** d, hash functions. */
  readonly hashes: number;
  /** R, rows of each hash function. */
  readonly rows: number;
  /** Ids of the tokens that get rows of their own, the most frequent first. */
  readonly heavyHitters: Int32Array;
  /** Bytes that this takes; never above the budget. */
  readonly bytes: number;
  /** Distinct tokens of the text per row of one hash, heavy hitters apart. */
  readonly tokensPerRow: number;
}

/**
 * Shares a budget out between hashes, rows and heavy hitters, so that the least part of a text's occurrences is lost to
 * collisions (`lossRate`); of equal ones, fewer hashes. It tries, for each number of hashes, 0, 1, 2, 4, … and every
 * sixteenth of the most heavy hitters that fit.
 *
 * @throws ArgumentError for counts that are negative, not finite or all zero, or a budget below one row of one hash.
 *
 * @example
 * const { hashes, rows, heavyHitters } = adviseSketch({ counts, bytes: 1_000_000, dimension: 128 });
 * const words = new CountSketchEmbedding({ vocabulary, dimension: 128, hashes, rows, heavyHitters });
 */
export function adviseSketch(options: AdviseSketchOptions): SketchAdvice {
  const who = 'adviseSketch';
  const { counts, bytes, dimension, hashes: choices = [1, 3, 5, 7] } = options;
  checkSome(who, counts);
  atLeastOne(who, 'dimension', dimension);
  for (const d of choices) atLeastOne(who, 'hashes', d);
  const row = 4 * dimension;
  const seed = 8;
  const fewest = Math.min(...choices);
  if (!(bytes >= seed + fewest * row)) {
    throw new ArgumentError(
      `${who}: bytes must hold one row of ${dimension} numbers for each of ${fewest} hashes, ${seed + fewest * row}, got ${bytes}.`,
    );
  }
  const sorted = sortedCounts(counts);
  let best: { hashes: number; rows: number; heavyHitters: number; expected: Collisions } | undefined;
  for (const hashes of [...choices].sort((a, b) => a - b)) {
    for (const heavyHitters of heavyChoices(bytes - seed - hashes * row, row + 4, sorted.length)) {
      const left = bytes - seed - heavyHitters * (row + 4);
      const rows = Math.min(Math.floor(left / (hashes * row)), 2 ** 31);
      const expected = predictSorted(sorted, { hashes, rows, heavyHitters });
      if (best && expected.lossRate >= best.expected.lossRate - 1e-12) continue;
      best = { hashes, rows, heavyHitters, expected };
    }
  }
  const { hashes, rows, heavyHitters, expected } = best!;
  return {
    hashes,
    rows,
    heavyHitters: byFrequency(counts).slice(0, heavyHitters),
    bytes: seed + heavyHitters * (row + 4) + hashes * rows * row,
    tokensPerRow: (sorted.length - heavyHitters) / rows,
    ...expected,
  };
}

function heavyChoices(budget: number, each: number, tokens: number): number[] {
  const most = Math.min(Math.floor(budget / each), tokens);
  if (most < 0) return [];
  const choices = new Set([0]);
  for (let k = 1; k <= most; k *= 2) choices.add(k);
  for (let part = 1; part <= 16; part++) choices.add(Math.floor((most * part) / 16));
  return [...choices].sort((a, b) => a - b);
}
