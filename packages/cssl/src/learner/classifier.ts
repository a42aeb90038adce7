import { ArgumentError, throwIfAborted, type Split } from '@ockham/core';
import { rankOf } from '@ockham/core/metrics';
import type { Example, ImageShape } from '../image.ts';
import { checkLabel, imagesOf, toBytes } from './images.ts';
import type { Accuracy, AccuracyOptions, Predictions } from './results.ts';

/** A learner, as far as it gives probabilities. */
export interface Classifier {
  /** Whom errors name. */
  readonly who: string;
  readonly shape: ImageShape;
  /** The label of each output. */
  readonly classes: readonly number[];
  outputOf(label: number): number | undefined;
  /** `[images, classes]`; throws where no class is known. */
  probabilities(images: readonly Uint8Array[]): Promise<Float32Array>;
}

/** The most probable class of one image, or of each of a list. */
export async function predictionsOf(
  classifier: Classifier,
  x: Example['x'] | readonly Example['x'][],
): Promise<Predictions> {
  const { who, shape, classes } = classifier;
  const list = Array.isArray(x) ? (x as readonly Example['x'][]) : [x as Example['x']];
  if (list.length === 0) throw new ArgumentError(`${who}: needs at least one image, got none.`);
  const images = list.map((image) => toBytes(who, image, shape));
  const probabilities = await classifier.probabilities(images);
  const labels = Int32Array.from(images, (_, i) => {
    const row = probabilities.subarray(i * classes.length, (i + 1) * classes.length);
    return classes[row.indexOf(Math.max(...row))]!;
  });
  return { labels, probabilities, classes: [...classes] };
}

/** Probabilities by label, `[split.size, highest label + 1]`; −∞ for labels that no output stands for. */
export async function scoresOf(classifier: Classifier, split: Split): Promise<Float32Array> {
  const { who, shape, classes } = classifier;
  const image = imagesOf(who, split, shape);
  const probabilities = await classifier.probabilities(
    Array.from({ length: split.size }, (_, i) => image(i)),
  );
  const width = Math.max(...classes) + 1;
  const scores = new Float32Array(split.size * width).fill(Number.NEGATIVE_INFINITY);
  for (const [output, label] of classes.entries())
    for (let i = 0; i < split.size; i++)
      scores[i * width + label] = probabilities[i * classes.length + output]!;
  return scores;
}

/** @throws ArgumentError for options out of range, or where no example is of a known class. */
export async function accuracyOf(
  classifier: Classifier,
  split: Split,
  options: AccuracyOptions,
): Promise<Accuracy> {
  const { who, shape, classes } = classifier;
  const { classesSeen = true, topK, batchSize = 500, signal } = options;
  if (!(Number.isInteger(batchSize) && batchSize >= 1))
    throw new ArgumentError(`${who}: batchSize must be an integer ≥ 1, got ${batchSize}.`);
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1))
    throw new ArgumentError(`${who}: topK must be an integer ≥ 1, got ${topK}.`);
  const image = imagesOf(who, split, shape);
  const outputs = Array.from(split.y.values.subarray(0, split.size), (label) =>
    classifier.outputOf(checkLabel(who, label)),
  );
  const rows = [...outputs.keys()].filter((i) => !classesSeen || outputs[i] !== undefined);
  if (rows.length === 0) {
    throw new ArgumentError(
      `${who}: none of the ${split.size} examples is of a class that was seen. Observe some first, or pass classesSeen: false.`,
    );
  }
  const width = classes.length;
  let right = 0;
  let rightInTopK = 0;
  for (let from = 0; from < rows.length; from += batchSize) {
    throwIfAborted(signal, who);
    const part = rows.slice(from, from + batchSize);
    const probabilities = await classifier.probabilities(part.map(image));
    for (const [i, row] of part.entries()) {
      const output = outputs[row];
      if (output === undefined) continue;
      const rank = rankOf(output, probabilities.subarray(i * width, (i + 1) * width));
      if (rank === 0) right++;
      if (topK !== undefined && rank < topK) rightInTopK++;
    }
  }
  return {
    accuracy: right / rows.length,
    ...(topK !== undefined && { topK: rightInTopK / rows.length }),
    examples: rows.length,
  };
}
