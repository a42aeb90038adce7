/** Small nets and data for the tests of structured pruning. */
import * as tf from '@tensorflow/tfjs';
import type { Split } from '@ockham/core';
import { Random } from '@ockham/core/random';

/** Two classes that the sign of one corner of a small image decides, with noise elsewhere. */
export function corners(size: number, seed = 3): Split {
  const random = new Random(seed);
  const x = new Float32Array(size * 36);
  const y = new Int32Array(size);
  for (let i = 0; i < size; i++) {
    y[i] = random.integer(2);
    for (let p = 0; p < 36; p++) x[i * 36 + p] = random.normal(0, 0.3);
    for (const p of [0, 1, 6, 7]) x[i * 36 + p]! += y[i] === 1 ? 1 : -1;
  }
  return { size, x: { values: x, shape: [6, 6, 1] }, y: { values: y, shape: [] } };
}

/** conv 6 → relu → pool → conv 8 → flatten → dense 10 → softmax 2, with seeded weights. */
export function smallCnn(seed = 1): tf.Sequential {
  const init = (i: number) => tf.initializers.glorotUniform({ seed: seed * 10 + i });
  return tf.sequential({
    layers: [
      tf.layers.conv2d({
        name: 'c1',
        inputShape: [6, 6, 1],
        filters: 6,
        kernelSize: 3,
        activation: 'relu',
        kernelInitializer: init(1),
      }),
      tf.layers.maxPooling2d({ name: 'p1', poolSize: 2 }),
      tf.layers.conv2d({
        name: 'c2',
        filters: 8,
        kernelSize: 2,
        activation: 'relu',
        kernelInitializer: init(2),
      }),
      tf.layers.flatten({ name: 'flat' }),
      tf.layers.dense({ name: 'd1', units: 10, activation: 'relu', kernelInitializer: init(3) }),
      tf.layers.dense({ name: 'out', units: 2, activation: 'softmax', kernelInitializer: init(4) }),
    ],
  });
}

/** A stem, three residual blocks, and a classifier. */
export function smallResnet(): tf.LayersModel {
  const conv = (name: string, x: tf.SymbolicTensor, scale: number) =>
    tf.layers
      .conv2d({
        name,
        filters: 4,
        kernelSize: 3,
        padding: 'same',
        kernelInitializer: tf.initializers.randomNormal({
          stddev: scale,
          seed: name.length * 7 + name.charCodeAt(0),
        }),
      })
      .apply(x) as tf.SymbolicTensor;
  const relu = (name: string, x: tf.SymbolicTensor) => tf.layers.reLU({ name }).apply(x) as tf.SymbolicTensor;
  const input = tf.input({ shape: [6, 6, 1], name: 'image' });
  let x = relu('stem_relu', conv('stem', input, 0.5));
  for (const [block, scale] of [
    ['one', 0.4],
    ['two', 0.1],
    ['three', 0.4],
  ] as const) {
    const body = conv(`${block}b`, relu(`${block}a_relu`, conv(`${block}a`, x, 0.4)), scale);
    x = tf.layers.add({ name: `${block}_add` }).apply([body, x]) as tf.SymbolicTensor;
  }
  const flat = tf.layers.flatten({ name: 'flat' }).apply(x);
  const output = tf.layers
    .dense({
      name: 'out',
      units: 2,
      activation: 'softmax',
      kernelInitializer: tf.initializers.glorotUniform({ seed: 5 }),
    })
    .apply(flat);
  return tf.model({ inputs: input, outputs: output as tf.SymbolicTensor });
}

/** Outputs on the first examples of a split. */
export function outputsOf(model: tf.LayersModel, split: Split, count = 8): number[] {
  return tf.tidy(() => {
    const x = tf.tensor(split.x.values.slice(0, count * 36), [count, ...split.x.shape]);
    return [...(model.predict(x) as tf.Tensor).dataSync()];
  });
}
