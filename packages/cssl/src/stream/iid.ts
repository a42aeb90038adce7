import { ArgumentError, type Split } from '@ockham/core';
import { toRandom, type Seed } from '@ockham/core/random';
import { checkStreamable, streamOf, type Stream } from './stream.ts';

/** Options of {@link iid}. */
export interface IidOptions {
  /** Shuffles the examples. Default 0. */
  readonly seed?: Seed;
  /** Number of tests, evenly spaced, in [1, size]. Default 10, or `size` if that is less. */
  readonly tests?: number;
}

/**
 * All examples in random order, classes mixed.
 *
 * @throws ArgumentError for data or options out of range.
 */
export function iid(split: Split, options: IidOptions = {}): Stream {
  checkStreamable('iid', split);
  const { seed = 0, tests = Math.min(10, split.size) } = options;
  return streamOf({
    name: 'iid',
    split,
    rows: toRandom(seed).stream('iid').permutation(split.size),
    testAfter: evenlySpaced('iid', split.size, tests),
  });
}

/** `count` rising numbers of examples, the last one `size`. */
export function evenlySpaced(who: string, size: number, count: number): number[] {
  if (!Number.isInteger(count) || count < 1 || count > size) {
    throw new ArgumentError(`${who}: tests must be an integer in [1, ${size}], got ${count}.`);
  }
  return Array.from({ length: count }, (_, i) => Math.round((size * (i + 1)) / count));
}
