import '@tensorflow/tfjs';
import type { Split } from '@ockham/core';
import { useBackend } from '@ockham/core/backend/node';
import { evaluate } from '@ockham/core/metrics';
import { mlp } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { trainSubnets } from '@ockham/feature-subsample/subnet';
import { memory } from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, expect, it } from 'vitest';

beforeAll(async () => {
  await useBackend((process.env.OCKHAM_ENGINE ?? 'auto') as 'auto');
});

function clusters(size: number, seed: number): Split {
  const random = new Random(seed);
  const x = new Float32Array(size * 4);
  const y = new Int32Array(size);
  for (let i = 0; i < size; i++) {
    y[i] = i % 3;
    for (let j = 0; j < 4; j++) x[4 * i + j] = random.normal(j === y[i] ? 2 : 0, 0.7);
  }
  return { size, x: { values: x, shape: [4] }, y: { values: y, shape: [] } };
}

const make = () => mlp({ inputShape: [4], units: [16, 12], classes: 3, seed: 1 });

it('trains the whole by its parts, leaks nothing, and moves fewer bytes', async () => {
  const model = make();
  const before = memory().numTensors;
  const { history, bytes, wholeBytes } = await trainSubnets(model, clusters(240, 1), {
    workers: 2,
    rounds: 15,
    localSteps: 5,
    seed: 3,
  });
  expect(memory().numTensors).toBe(before);
  expect(history.at(-1)!).toBeLessThan(history[0]! / 2);
  const { accuracy } = await evaluate(model, clusters(150, 2));
  expect(accuracy).toBeGreaterThan(0.85);
  // 4·8 + 8, 8·6 + 6, 6·3 + 3 numbers for each of two workers
  expect(bytes).toBe(15 * 2 * (4 + 8 * (40 + 54 + 21)));
  expect(bytes).toBeLessThan(wholeBytes / 5);
  model.dispose();
});

it('the same seed gives the same weights twice', async () => {
  const weights = await Promise.all(
    [make(), make()].map(async (model) => {
      await trainSubnets(model, clusters(60, 1), { workers: 2, rounds: 2, seed: 5 });
      const values = await model.getWeights()[0]!.data();
      model.dispose();
      return [...values];
    }),
  );
  expect(weights[0]).toEqual(weights[1]);
});

it('refuses what it cannot part', async () => {
  const small = mlp({ inputShape: [4], units: [2], classes: 3 });
  await expect(trainSubnets(small, clusters(9, 1), { workers: 3, rounds: 1 })).rejects.toThrow(
    'a neuron for each of 3 workers, got a layer of 2',
  );
  const norm = sequential({
    layers: [layers.dense({ units: 3, inputShape: [4] }), layers.batchNormalization()],
  });
  await expect(trainSubnets(norm, clusters(9, 1), { workers: 1, rounds: 1 })).rejects.toThrow(
    'got BatchNormalization',
  );
  await expect(trainSubnets(make(), clusters(9, 1), { workers: 0, rounds: 1 })).rejects.toThrow(
    'workers must be a whole number',
  );
});
