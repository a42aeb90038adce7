/**
 * Streaming linear discriminant analysis on frozen features: class means and one covariance for all classes, one example at a time.
 *
 * Source: Hayes and Kanan 2020, "Lifelong machine learning with deep streaming linear discriminant analysis", equations 1–4.
 * Deviations: the covariance is exactly that within classes of all examples seen; the paper's update weighs an example with the count of all
 * examples instead of its class's, which agrees in the limit.
 */
import { ArgumentError, type Split } from '@ockham/core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { StreamLearner } from '../evaluation/stream-learner.ts';
import { FrozenFeatures } from './frozen-features.ts';
import { StreamingMoments, type Discriminant } from './streaming-moments.ts';

/** Options of {@link deepSlda}. */
export interface DeepSldaOptions {
  /** ε, shrinkage of the covariance towards the identity, in (0, 1]. Default 1e-4, the paper's. */
  readonly shrinkage?: number;
  /** Examples to observe first. Default none. */
  readonly base?: Split;
}

/**
 * Deep SLDA. Nothing is trained; classes may appear at any time, however many outputs the model has.
 *
 * @param model Its features before the last dense layer are used; not changed, and the caller's to dispose of.
 * @throws ArgumentError for options out of range or a model without such features.
 */
export async function deepSlda(model: LayersModel, options: DeepSldaOptions = {}): Promise<StreamLearner> {
  const { shrinkage = 1e-4, base } = options;
  if (!(shrinkage > 0 && shrinkage <= 1)) {
    throw new ArgumentError(`deepSlda: shrinkage must be in (0, 1], got ${shrinkage}.`);
  }
  const features = new FrozenFeatures('deepSlda', model);
  const moments = new StreamingMoments(features.width);
  let discriminant: Discriminant | undefined;
  const add = (vectors: Float32Array, labels: ArrayLike<number>) => {
    discriminant = undefined;
    for (let i = 0; i < labels.length; i++) {
      moments.add(vectors.subarray(i * features.width, (i + 1) * features.width), labels[i]!);
    }
  };
  if (base) add(await features.of(base), base.y.values);
  return {
    async observe(examples) {
      const found = await features.ofExamples(examples);
      add(found.features, found.labels);
    },
    async scores(inputs) {
      discriminant ??= moments.discriminant(shrinkage);
      return linearScores(await features.of(inputs), features.width, discriminant);
    },
    get bytes() {
      return moments.bytes;
    },
    updates: 0,
    trained: 0,
    dispose: () => features.dispose(),
  };
}

/** `[n, highest label + 1]`, −∞ for classes that the discriminant does not have. */
function linearScores(
  z: Float32Array,
  width: number,
  { labels, weights, biases }: Discriminant,
): Float32Array {
  const classes = Math.max(...labels) + 1;
  const size = z.length / width;
  const scores = new Float32Array(size * classes).fill(-Infinity);
  const own = new Float64Array(labels.length);
  for (let n = 0; n < size; n++) {
    own.set(biases);
    for (let i = 0; i < width; i++) {
      const value = z[n * width + i]!;
      if (value === 0) continue; // half of a ReLU's outputs
      const row = i * labels.length;
      for (let k = 0; k < own.length; k++) own[k]! += value * weights[row + k]!;
    }
    for (const [k, label] of labels.entries()) scores[n * classes + label] = own[k]!;
  }
  return scores;
}
