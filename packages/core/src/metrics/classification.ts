/** Figures of predicted classes beside accuracy, from the counts of {@link confusion}, `[right][predicted]`. */
import { ArgumentError } from '../errors.ts';

/** `[right][predicted]`, `[classes, classes]`. */
export type ClassCounts = readonly (readonly number[])[];

/** Of all, the fraction on the diagonal. NaN where nothing was counted. */
export function accuracyOf(counts: ClassCounts): number {
  const { right, all } = totals('accuracyOf', counts);
  return right / all;
}

/**
 * F1 of one class, the harmonic mean of precision and recall, in [0, 1]. 0 where the class is neither right nor predicted
 * once.
 *
 * @param positive The class. Default 1, as of the two that GLUE scores.
 * @throws ArgumentError for counts that are not square, or a class out of range.
 */
export function f1Score(counts: ClassCounts, positive: number = 1): number {
  const { predicted, actual } = totals('f1Score', counts);
  if (!(positive in counts)) {
    throw new ArgumentError(
      `f1Score: positive must be a class in [0, ${counts.length}), got ${positive}. Counts have a row for each class.`,
    );
  }
  const both = predicted[positive]! + actual[positive]!;
  return both === 0 ? 0 : (2 * counts[positive]![positive]!) / both;
}

/**
 * Matthews' correlation of right and predicted classes, in [−1, 1]: R_K of Gorodkin 2004, for two classes the φ coefficient. 0
 * where one class alone is right, or predicted.
 *
 * @throws ArgumentError for counts that are not square.
 */
export function matthewsCorrelation(counts: ClassCounts): number {
  const { right, all, predicted, actual } = totals('matthewsCorrelation', counts);
  const product = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, value, c) => sum + value * b[c]!, 0);
  const spread =
    Math.sqrt(all ** 2 - product(predicted, predicted)) * Math.sqrt(all ** 2 - product(actual, actual));
  return spread === 0 ? 0 : (right * all - product(predicted, actual)) / spread;
}

function totals(who: string, counts: ClassCounts) {
  const wrong = counts.find((row) => row.length !== counts.length);
  if (counts.length === 0 || wrong) {
    throw new ArgumentError(
      `${who}: counts must be [classes, classes], got ${counts.length} rows${wrong ? `, one of ${wrong.length}` : ''}. Take them from confusion.`,
    );
  }
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const actual = counts.map(sum);
  const predicted = counts.map((_, c) => sum(counts.map((row) => row[c]!)));
  return { actual, predicted, all: sum(actual), right: sum(counts.map((row, c) => row[c]!)) };
}
