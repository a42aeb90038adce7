import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Split } from '../dataset.ts';
import { checkLabels, predictClasses } from './evaluate.ts';
import type { PredictOptions } from './predict.ts';

/** What {@link confusion} counts. */
export interface Confusion {
  /** `counts[right][predicted]`, `[classes, classes]`. */
  readonly counts: readonly (readonly number[])[];
  /** Fraction predicted right, in [0, 1]. */
  readonly accuracy: number;
  /** Of the examples of a class, the fraction predicted as it; NaN for a class without examples. */
  readonly recall: readonly number[];
  /** Of the predictions of a class, the fraction that is right; NaN for a class never predicted. */
  readonly precision: readonly number[];
}

/**
 * Which classes a model takes for which. A model that has collapsed to one class shows as a single column.
 *
 * @throws ArgumentError for data that does not fit the model or labels outside its outputs.
 * @throws NonFiniteError when an output is NaN or infinite.
 */
export async function confusion(
  model: LayersModel,
  split: Split,
  options: PredictOptions = {},
): Promise<Confusion> {
  checkLabels('confusion', model, split);
  const predicted = await predictClasses(model, split, options);
  const classes = model.outputs[0]!.shape.at(-1)!;
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const [i, guess] of predicted.entries()) counts[split.y.values[i]!]![guess]!++;
  const right = counts.map((row, c) => row[c]!);
  return {
    counts,
    accuracy: sum(right) / split.size,
    recall: counts.map((row, c) => right[c]! / sum(row)),
    precision: right.map((hits, c) => hits / sum(counts.map((row) => row[c]!))),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
