import type { Dataset, Split } from '../dataset.ts';
import { takeExamples } from '../dataset.ts';
import { ArgumentError } from '../errors.ts';

/** How many examples to keep. */
export interface TakeOptions {
  /** The first so many training examples, at most as many as there are. Default: all. */
  readonly train?: number | undefined;
  /** The first so many test examples, at most as many as there are. Default: all. */
  readonly test?: number | undefined;
}

/** @throws ArgumentError where a count is not a positive integer. */
export function checkTake(who: string, options: TakeOptions): void {
  for (const name of ['train', 'test'] as const) {
    const count = options[name];
    if (count === undefined || (Number.isInteger(count) && count > 0)) continue;
    throw new ArgumentError(
      `${who}: ${name} must be a positive number of examples, got ${count}. Leave it out for all of them.`,
    );
  }
}

/** The first examples of both splits, without copying. */
export function takeDataset(dataset: Dataset, { train, test }: TakeOptions): Dataset {
  const take = (split: Split, count: number | undefined): Split =>
    count === undefined ? split : takeExamples(split, count);
  return { ...dataset, train: take(dataset.train, train), test: take(dataset.test, test) };
}
