import * as tf from '@tensorflow/tfjs';
import { tableOneCnn } from '@ockham/core/models';

/** Weights after two steps of training, and a product large enough to be shared. */
export async function compute(): Promise<Float32Array[]> {
  const model = tableOneCnn({ seed: 7, dropout: 0 });
  model.compile({ optimizer: tf.train.adam(0.01), loss: 'categoricalCrossentropy' });
  const x = tf.randomUniform([32, 28, 28, 1], 0, 1, 'float32', 7);
  const labels = Array.from({ length: 32 }, (_, i) => i % 10);
  const y = tf.oneHot(tf.tensor1d(labels, 'int32'), 10);
  for (let step = 0; step < 2; step++) await model.trainOnBatch(x, y);
  const weights = model.getWeights().map((weight) => weight.dataSync<'float32'>().slice());
  const a = tf.randomUniform<tf.Rank.R2>([300, 200], -1, 1, 'float32', 8);
  const product = tf.matMul(a, a, true);
  weights.push(product.dataSync<'float32'>().slice());
  model.dispose();
  tf.dispose([x, y, a, product]);
  return weights;
}
