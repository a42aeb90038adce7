/**
 * iCaRL in a stream: exemplars chosen by herding, classification by the nearest mean of exemplars, and distillation from the model as it was
 * before the newest class.
 *
 * Source: Rebuffi et al. 2017, "iCaRL: incremental classifier and representation learning", algorithms 2–5.
 * Deviations: iCaRL collects all examples of a class, trains on them for many epochs and then chooses exemplars; here an example is seen once, so
 * that herding works as examples come, on 32 random projections of their features at that moment; cross-entropy and softmax at T = 2 in place
 * of sigmoids.
 */
import type { Split } from '@ockham/core';
import { toRandom, type Random } from '@ockham/core/random';
import { restoreWeights, saveWeights, type LossFunction } from '@ockham/core/training';
import {
  add,
  cast,
  div,
  logSoftmax,
  logSumExp,
  maximum,
  mean,
  mul,
  neg,
  oneHot,
  reshape,
  slice,
  softmax,
  sub,
  sum,
  tensor,
  tidy,
  type Tensor,
  type Tensor1D,
} from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { StreamLearner } from '../evaluation/stream-learner.ts';
import type { GradientOptions, MemoryOptions } from './baseline-options.ts';
import { outputsInBatches, outputsOf, type Classifier } from './classifier.ts';
import { cutModel, type ModelHalves } from './cut-model.ts';
import { logitsModel } from './logits-model.ts';
import { replayBaseline, type StoredImages } from './replay-baseline.ts';

/** Options of {@link icarl}. */
export interface IcarlOptions extends GradientOptions, MemoryOptions {
  /** Weight of distillation, ≥ 0. Default 1. */
  readonly distillation?: number;
  /** T, softens both outputs in distillation, > 0. Default 2. */
  readonly temperature?: number;
}

const PROJECTIONS = 32; // distances within some 20 %, at 128 bytes an example

/**
 * iCaRL. Its memory counts the projections that herding keeps beside each exemplar.
 *
 * @param model An output for each class that may appear; not changed.
 * @throws ArgumentError for options out of range.
 */
export function icarl(model: LayersModel, options: IcarlOptions): Promise<StreamLearner> {
  const { distillation = 1, temperature = 2, capacity, bytes, seed = 0 } = options;
  const classes = model.outputs[0]!.shape.at(-1)!;
  const teacher = logitsModel('icarl', model);
  let taught: readonly number[] = []; // classes that the teacher knows
  let halves: ModelHalves | undefined;
  let projection: Float32Array | undefined; // [features, 32]
  const featuresOf = (classifier: Classifier, inputs: Split) => {
    halves ??= cutModel('icarl', classifier.model);
    return outputsInBatches(halves.lower, inputs);
  };
  let means: { version: number; updates: number; values: Map<number, Float64Array> } | undefined;
  return replayBaseline(
    'icarl',
    model,
    options,
    {
      ...(capacity !== undefined && { capacity }),
      ...(bytes !== undefined && { bytes }),
      evict: 'herding',
      features: PROJECTIONS,
    },
    {
      targets: classes + 1,
      loss: distillationLoss(distillation, temperature),
      async onNewClass(classifier) {
        restoreWeights(teacher, await saveWeights(classifier.model), 'icarl');
        taught = [...classifier.seen];
      },
      async targetsOf(_classifier, batch) {
        const targets = new Float32Array(batch.size * (classes + 1));
        if (taught.length === 0) return targets;
        const soft = await softened(teacher, batch, taught, temperature);
        for (let i = 0; i < batch.size; i++) {
          targets[i * (classes + 1)] = 1; // there is a teacher
          targets.set(soft.subarray(i * classes, (i + 1) * classes), i * (classes + 1) + 1);
        }
        return targets;
      },
      async featuresOf(classifier, fresh) {
        const features = await featuresOf(classifier, fresh);
        const width = features.length / fresh.size;
        projection ??= normals(width * PROJECTIONS, toRandom(seed).stream('icarl-projection'));
        return project(normalised(features, width), width, projection);
      },
      async scores(classifier, inputs, stored) {
        if (means?.version !== stored.version || means.updates !== classifier.updates) {
          const values = await exemplarMeans(stored, (split) => featuresOf(classifier, split));
          means = { version: stored.version, updates: classifier.updates, values };
        }
        return nearestMean(await featuresOf(classifier, inputs), inputs.size, means.values, classes);
      },
      dispose() {
        teacher.dispose();
        halves?.upper.dispose();
      },
    },
  );
}

/** Cross-entropy and distillation, of targets `[batch, label · has teacher (0 or 1) · teacher's softened probabilities]`. */
export function distillationLoss(weight: number, temperature: number): LossFunction {
  return (target, logits) => {
    const [size, classes] = logits.shape as [number, number];
    const labels = cast(reshape(slice(target, [0, 0], [size, 1]), [size]), 'int32');
    const taught = reshape(slice(target, [0, 1], [size, 1]), [size]);
    const right = sum(mul(cast(oneHot(labels as Tensor1D, classes), 'float32'), logits), -1);
    const entropy = mean(sub(logSumExp(logits, -1), right));
    const soft = slice(target, [0, 2], [size, classes]);
    const away = neg(sum(mul(soft, logSoftmax(div(logits, temperature))), -1)); // [batch]
    const distilled = div(sum(mul(away, taught)), maximum(sum(taught), 1));
    return add(entropy, mul(distilled, weight * temperature ** 2));
  };
}

/** softmax(logits / T) over the classes that the teacher knows, 0 for others; `[size, classes]`. */
async function softened(
  teacher: LayersModel,
  batch: Split,
  taught: readonly number[],
  temperature: number,
): Promise<Float32Array> {
  const logits = await outputsOf(teacher, batch);
  const classes = logits.length / batch.size;
  const known = new Set(taught);
  const masked = logits.map((value, i) => (known.has(i % classes) ? value / temperature : -1e9));
  const soft = tidy(() => softmax<Tensor>(tensor(masked, [batch.size, classes])));
  const values = (await soft.data()) as Float32Array;
  soft.dispose();
  return values;
}

async function exemplarMeans(
  stored: StoredImages,
  featuresOf: (split: Split) => Promise<Float32Array>,
): Promise<Map<number, Float64Array>> {
  const sums = new Map<number, Float64Array>();
  const batch = 256;
  for (let from = 0; from < stored.size; from += batch) {
    const count = Math.min(batch, stored.size - from);
    const split = stored.read(Int32Array.from({ length: count }, (_, i) => from + i));
    const features = await featuresOf(split);
    const width = features.length / count;
    normalised(features, width);
    for (let i = 0; i < count; i++) {
      const label = split.y.values[i]!;
      let sum = sums.get(label);
      if (!sum) sums.set(label, (sum = new Float64Array(width)));
      for (let d = 0; d < width; d++) sum[d]! += features[i * width + d]!;
    }
  }
  for (const sum of sums.values()) {
    const norm = Math.hypot(...sum) || 1;
    for (let d = 0; d < sum.length; d++) sum[d]! /= norm;
  }
  return sums;
}

/** Minus the squared distance between unit vectors, but for a constant. */
function nearestMean(
  features: Float32Array,
  size: number,
  means: ReadonlyMap<number, Float64Array>,
  classes: number,
): Float32Array {
  const width = features.length / size;
  const scores = new Float32Array(size * classes).fill(-Infinity);
  for (let i = 0; i < size; i++) {
    for (const [label, mean] of means) {
      let dot = 0;
      for (let d = 0; d < width; d++) dot += features[i * width + d]! * mean[d]!;
      scores[i * classes + label] = dot;
    }
  }
  return scores;
}

/** Each row divided by its length, in place. */
function normalised(features: Float32Array, width: number): Float32Array {
  for (let from = 0; from < features.length; from += width) {
    let square = 0;
    for (let d = from; d < from + width; d++) square += features[d]! ** 2;
    const scale = square > 0 ? 1 / Math.sqrt(square) : 0;
    for (let d = from; d < from + width; d++) features[d]! *= scale;
  }
  return features;
}

function normals(length: number, random: Random): Float32Array {
  return Float32Array.from({ length }, () => random.normal(0, 1 / Math.sqrt(PROJECTIONS)));
}

function project(features: Float32Array, width: number, projection: Float32Array): Float32Array {
  const size = features.length / width;
  const projected = new Float32Array(size * PROJECTIONS);
  for (let i = 0; i < size; i++) {
    for (let d = 0; d < width; d++) {
      const value = features[i * width + d]!;
      if (value === 0) continue;
      for (let p = 0; p < PROJECTIONS; p++)
        projected[i * PROJECTIONS + p]! += value * projection[d * PROJECTIONS + p]!;
    }
  }
  return projected;
}
