import type { Dataset } from '../dataset.ts';
import { selectExamples, takeExamples } from '../dataset.ts';
import { ArgumentError } from '../errors.ts';

/**
 * The same data with the last `count` training examples as its test split, and the others to train.
 *
 * @throws ArgumentError unless `count` leaves at least one example on each side.
 */
export function holdOut(dataset: Dataset, count: number, who = 'holdOut'): Dataset {
  const { train, provenance } = dataset;
  if (!Number.isInteger(count) || count < 1 || count >= train.size) {
    throw new ArgumentError(
      `${who}: the held-out examples must be in [1, ${train.size - 1}] of ${train.size}, got ${count}.`,
    );
  }
  const kept = train.size - count;
  const note = [
    provenance.note,
    `Test split: the last ${count} of ${train.size} training examples, held out.`,
  ];
  return {
    ...dataset,
    train: takeExamples(train, kept),
    test: selectExamples(
      train,
      Int32Array.from({ length: count }, (_, i) => kept + i),
    ),
    provenance: { ...provenance, note: note.filter(Boolean).join(' ') },
  };
}
