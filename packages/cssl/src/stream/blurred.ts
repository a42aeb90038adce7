import { ArgumentError, type Split } from '@ockham/core';
import { toRandom, type Seed } from '@ockham/core/random';
import { orderClasses, rowsOfClasses } from './class-rows.ts';
import { checkStreamable, streamOf, type Stream } from './stream.ts';

/** Options of {@link blurred}. */
export interface BlurredOptions {
  /** Shuffles the order of classes and draws the blur. Default 0. */
  readonly seed?: Seed;
  /** Which classes, in which order; others are left out. Default: all, shuffled. */
  readonly order?: readonly number[];
  /**
   * Standard deviation by which examples are early or late, in lengths of a class, ≥ 0: 0 is class-incremental, large
   * is iid. Default 0.25: at the boundary both classes are equally frequent, and pure stretches of half a class remain.
   */
  readonly width?: number;
}

/**
 * One class fades into the next: each example stands at a uniform place within its class, shifted by a normal number
 * of standard deviation `width`. Tests are where the boundaries between classes would be.
 *
 * @throws ArgumentError for data or options out of range.
 */
export function blurred(split: Split, options: BlurredOptions = {}): Stream {
  const { seed = 0, order, width = 0.25 } = options;
  checkStreamable('blurred', split);
  if (!(width >= 0 && Number.isFinite(width))) {
    throw new ArgumentError(`blurred: width must be a number ≥ 0, in lengths of a class; got ${width}.`);
  }
  const random = toRandom(seed).stream('blurred');
  const byClass = rowsOfClasses(split);
  const classes = orderClasses('blurred', byClass.keys(), order, random);
  const places = random.stream('places');
  const shifts = random.stream('shifts');
  const placed = classes.flatMap((label, c) =>
    byClass.get(label)!.map((row) => ({ row, at: c + places.uniform() + width * shifts.normal() })),
  );
  placed.sort((a, b) => a.at - b.at);
  let end = 0;
  const testAfter = classes.map((label) => (end += byClass.get(label)!.length));
  return streamOf({
    name: 'blurred',
    split,
    rows: Int32Array.from(placed, ({ row }) => row),
    testAfter,
  });
}
