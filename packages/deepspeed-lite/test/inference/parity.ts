import type { LayersModel } from '@tensorflow/tfjs-layers';
import * as tf from '@tensorflow/tfjs';
import { Random } from '@ockham/core/random';
import { variableOf } from '@ockham/core/training';

/** Gives every weight other values, also those that start at 0 and 1: gains within a half of 1, the rest small. */
export function shake(model: LayersModel, seed: number, deviation = 0.15): LayersModel {
  const random = new Random(seed);
  for (const weight of model.weights)
    tf.tidy(() => {
      const values = variableOf(weight);
      const own = random.stream(weight.originalName);
      const noise = Float32Array.from({ length: values.size }, () => deviation * own.normal());
      values.assign(tf.add(values, tf.tensor(noise, values.shape)));
    });
  return model;
}

/** Token ids, none of them padding, but for the last `padded` of every second text. */
export function tokens(batch: number, length: number, vocabulary: number, seed = 1, padded = 0): tf.Tensor2D {
  const random = new Random(seed);
  const ids = Array.from({ length: batch * length }, (_, i) => {
    const [text, place] = [Math.floor(i / length), i % length];
    return text % 2 === 0 && place >= length - padded ? 0 : 1 + random.integer(vocabulary - 1);
  });
  return tf.tensor2d(ids, [batch, length], 'int32');
}

/** max |a − b|; NaN where one is. */
export function apart(a: tf.Tensor, b: tf.Tensor): number {
  if (a.shape.join() !== b.shape.join()) return NaN;
  const [x, y] = [a.dataSync<'float32'>(), b.dataSync<'float32'>()];
  return x.reduce((most, value, i) => {
    const gap = Math.abs(value - y[i]!);
    return gap <= most ? most : gap;
  }, 0);
}
