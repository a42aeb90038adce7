import { ArgumentError, type Split } from '@ockham/core';
import { toRandom, type Seed } from '@ockham/core/random';
import { orderClasses, rowsOfClasses, shuffled } from './class-rows.ts';
import { checkStreamable, streamOf, type Stream } from './stream.ts';

/** Options of {@link classIncremental}. */
export interface ClassIncrementalOptions {
  /** Shuffles the order of classes, and examples within each step. Default 0. */
  readonly seed?: Seed;
  /** Which classes, in which order; others are left out. Default: all, shuffled. */
  readonly order?: readonly number[];
  /** Classes that come mixed with one another, ≥ 1; a test follows each step. Default 1. */
  readonly classesPerStep?: number;
}

/**
 * One class after the other, the stream of the paper (section 2.2): all examples of a class, shuffled, then those of
 * the next, with a test after each.
 *
 * @throws ArgumentError for data or options out of range.
 *
 * @example
 * const stream = classIncremental(data.train, { seed: 1 });
 * for (const example of stream) await learner.observe(example);
 */
export function classIncremental(split: Split, options: ClassIncrementalOptions = {}): Stream {
  const who = 'classIncremental';
  const { seed = 0, order, classesPerStep = 1 } = options;
  checkStreamable(who, split);
  if (!Number.isInteger(classesPerStep) || classesPerStep < 1) {
    throw new ArgumentError(`${who}: classesPerStep must be an integer ≥ 1, got ${classesPerStep}.`);
  }
  const random = toRandom(seed).stream('class-incremental');
  const byClass = rowsOfClasses(split);
  const classes = orderClasses(who, byClass.keys(), order, random);
  const rows: number[] = [];
  const testAfter: number[] = [];
  for (let step = 0; step * classesPerStep < classes.length; step++) {
    const together = classes.slice(step * classesPerStep, (step + 1) * classesPerStep);
    // named after the classes, so that a class comes in the same order wherever it stands
    const chance = random.stream('examples').stream(together.join());
    rows.push(
      ...shuffled(
        together.flatMap((label) => byClass.get(label)!),
        chance,
      ),
    );
    testAfter.push(rows.length);
  }
  return streamOf({ name: 'class-incremental', split, rows: Int32Array.from(rows), testAfter });
}
