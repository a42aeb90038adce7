import * as tf from '@tensorflow/tfjs';
import { afterAll, expect, it } from 'vitest';
import { useBackend } from '@ockham/core/backend/node';

const chosen = tf.getBackend() as 'wasm';
afterAll(async () => void (await useBackend(chosen)));

/** Four classes of stripes and checks of 10 × 10 with a different noise each. */
function stripes() {
  const size = 12;
  const x = new Float32Array(size * 100);
  const y = new Int32Array(size);
  let state = 1;
  for (let i = 0; i < size; i++) {
    y[i] = i % 4;
    for (let p = 0; p < 100; p++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const [row, column] = [Math.floor(p / 10), p % 10];
      const pattern = [row % 2, column % 2, (row + column) % 2, (row >> 1) % 2][i % 4]!;
      x[i * 100 + p] = pattern * 0.5 + state / 2 ** 32;
    }
  }
  return { size, x, y };
}

/** The losses of 100 steps of Adam on an engine. */
async function losses(engine: 'wasm' | 'cpu'): Promise<number[]> {
  await useBackend(engine);
  const { size, x, y } = stripes();
  const initial = (seed: number) => tf.initializers.glorotUniform({ seed });
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        inputShape: [10, 10, 1],
        filters: 8,
        kernelSize: 3,
        activation: 'relu',
        kernelInitializer: initial(1),
      }),
      tf.layers.batchNormalization(),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', depthwiseInitializer: initial(2) }),
      tf.layers.conv2d({
        filters: 12,
        kernelSize: 3,
        padding: 'same',
        activation: 'relu',
        kernelInitializer: initial(3),
      }),
      tf.layers.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 4, kernelInitializer: initial(4) }),
    ],
  });
  const images = tf.tensor4d(x, [size, 10, 10, 1]);
  const labels = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(y, 'int32'), 4), 'float32'));
  const optimizer = tf.train.adam(2e-3);
  const values: number[] = [];
  for (let step = 0; step < 100; step++) {
    const loss = optimizer.minimize(() => {
      const logits = model.apply(images, { training: true }) as tf.Tensor;
      return tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(labels, logits);
    }, true)!;
    values.push(loss.dataSync()[0]!);
    loss.dispose();
  }
  tf.dispose([images, labels]);
  optimizer.dispose();
  model.dispose();
  return values;
}

it('a hundred steps of training on wasm follow those on the cpu engine', async () => {
  const [wasm, cpu] = [await losses('wasm'), await losses('cpu')];
  const apart = wasm.map((loss, step) => Math.abs(loss - cpu[step]!));
  expect(Math.max(...apart)).toBeLessThan(1e-3);
  expect(wasm.at(-1)).toBeLessThan(wasm[0]! / 4);
});
