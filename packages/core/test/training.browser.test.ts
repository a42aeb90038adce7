import '@tensorflow/tfjs';
import { memory } from '@tensorflow/tfjs-core';
import { sequential, layers, initializers, type LayersModel } from '@tensorflow/tfjs-layers';
import type { Split } from '@ockham/core';
import { useBackend } from '@ockham/core/backend';
import { indexedDbStore } from '@ockham/core/files';
import { evaluate } from '@ockham/core/metrics';
import { toRandom } from '@ockham/core/random';
import { saveWeights, train } from '@ockham/core/training';
import { beforeAll, expect, it } from 'vitest';
import { wasmPaths } from '@ockham/vitest-config/wasm-paths';

beforeAll(async () => {
  await useBackend('wasm', { wasmPaths });
});

/** 8×8 images, a bright bar across (class 0) or down (class 1). */
function bars(size: number): Split {
  const random = toRandom(7);
  const values = new Float32Array(size * 64);
  const labels = new Int32Array(size);
  for (let i = 0; i < size; i++) {
    const down = i % 2;
    const at = random.integer(8);
    labels[i] = down;
    for (let p = 0; p < 64; p++)
      values[i * 64 + p] = 0.2 * random.normal() + Number((down ? p % 8 : p >> 3) === at);
  }
  return { size, x: { values, shape: [8, 8, 1] }, y: { values: labels, shape: [] } };
}

function tinyCnn(): LayersModel {
  const kernelInitializer = initializers.glorotUniform({ seed: 7 });
  return sequential({
    layers: [
      layers.conv2d({
        inputShape: [8, 8, 1],
        filters: 4,
        kernelSize: 3,
        activation: 'relu',
        kernelInitializer,
      }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten(),
      layers.dense({ units: 2, activation: 'softmax', kernelInitializer }),
    ],
  });
}

it('a small CNN learns on the repaired wasm engine and leaks nothing', async () => {
  const model = tinyCnn();
  const tensors = memory().numTensors;
  const { epochs } = await train(model, bars(256), {
    epochs: 6,
    batchSize: 32,
    optimizer: { name: 'adam', learningRate: 0.02 },
    seed: 7,
  });
  expect(memory().numTensors).toBe(tensors);
  expect(epochs.at(-1)!.loss).toBeLessThan(epochs[0]!.loss / 4);
  expect((await evaluate(model, bars(64))).accuracy).toBeGreaterThan(0.95);
  model.dispose();
});

it('training stopped half way resumes from IndexedDB to the same bits', async () => {
  const options = { epochs: 2, batchSize: 32, seed: 7 } as const;
  const whole = tinyCnn();
  await train(whole, bars(128), options);

  const checkpoint = indexedDbStore('training.browser.test');
  await checkpoint.remove();
  const stop = new AbortController();
  const stopped = tinyCnn();
  const first = train(stopped, bars(128), {
    ...options,
    checkpoint,
    signal: stop.signal,
    onEpoch: () => stop.abort(),
  });
  await expect(first).rejects.toMatchObject({ code: 'aborted' });
  const resumed = tinyCnn();
  await train(resumed, bars(128), { ...options, checkpoint });
  expect((await saveWeights(resumed)).arrays).toEqual((await saveWeights(whole)).arrays);
  for (const model of [whole, stopped, resumed]) model.dispose();
});
