import { f1Score, matthewsCorrelation, type Confusion } from '@ockham/core/metrics';

/** What GLUE reports of two classes, and what shows a collapse. */
export interface BinaryMetrics {
  readonly accuracy: number;
  /** Accuracy of the most frequent class. */
  readonly majority: number;
  /** Of class 1; 0 where it is never right. */
  readonly f1: number;
  /** Matthews' correlation; 0 where one class alone is predicted. */
  readonly mcc: number;
  /** Predictions of class 0 and of class 1. */
  readonly zeros: number;
  readonly ones: number;
}

/** From `counts[right][predicted]`. */
export function binaryMetrics({ counts, accuracy }: Confusion): BinaryMetrics {
  const [[tn, fp], [fn, tp]] = counts as [[number, number], [number, number]];
  const [zeros, ones, negatives, positives] = [tn + fn, tp + fp, tn + fp, tp + fn];
  return {
    accuracy,
    majority: Math.max(negatives, positives) / (negatives + positives),
    f1: f1Score(counts),
    mcc: matthewsCorrelation(counts),
    zeros,
    ones,
  };
}
