import { ArgumentError } from '@ockham/core';
import { toRandom, type Seed } from '@ockham/core/random';
import { rowsOfClasses } from './class-rows.ts';
import { streamOf, type Stream } from './stream.ts';

/** Options of {@link imbalanced}. */
export interface ImbalancedOptions {
  /** Examples of the most frequent class to those of the least, ≥ 1. Default 10. */
  readonly ratio?: number;
  /** Draws which class is how frequent, and which examples stay. Default 0. */
  readonly seed?: Seed;
}

/**
 * Thins a stream so that class sizes fall exponentially: of K classes, the k-th keeps `ratio^(−k / (K − 1))` of its examples, at
 * least one. The order of those that stay, and the tests, are those of `stream`.
 *
 * @throws ArgumentError for a ratio below 1.
 *
 * @example
 * const stream = imbalanced(classIncremental(data.train, { seed: 1 }), { ratio: 50, seed: 1 });
 */
export function imbalanced(stream: Stream, options: ImbalancedOptions = {}): Stream {
  const { ratio = 10, seed = 0 } = options;
  if (!(ratio >= 1 && Number.isFinite(ratio))) {
    throw new ArgumentError(`imbalanced: ratio must be a number ≥ 1, got ${ratio}.`);
  }
  const random = toRandom(seed).stream('imbalanced');
  const byClass = rowsOfClasses(stream.split);
  const labels = [...stream.classes].sort((a, b) => a - b);
  const ranks = random.stream('ranks').permutation(labels.length);
  const kept = new Set<number>();
  for (const [i, label] of labels.entries()) {
    const rows = byClass.get(label)!;
    const share = ratio ** (-ranks[i]! / Math.max(1, labels.length - 1));
    const count = Math.max(1, Math.round(rows.length * share));
    for (const at of random.stream(label).sample(rows.length, count)) kept.add(rows[at]!);
  }
  const rows = stream.rows.filter((row) => kept.has(row));
  return streamOf({
    name: `${stream.name}, imbalanced`,
    split: stream.split,
    rows,
    testAfter: testsAfterThinning(stream, kept),
    changes: stream.changes,
  });
}

/** The tests of a stream, counted in the examples that stay. */
function testsAfterThinning(stream: Stream, kept: ReadonlySet<number>): number[] {
  let count = 0;
  let position = 0;
  const after = stream.events.map((event) => {
    for (; position < event.after; position++) if (kept.has(stream.rows[position]!)) count++;
    return count;
  });
  return [...new Set(after)].filter((n) => n > 0);
}
