import '@tensorflow/tfjs';
import { useBackend } from '@ockham/core/backend';
import { bert, gpt } from '@ockham/core/models';
import { wasmPaths } from '@ockham/vitest-config/wasm-paths';
import { memory, tensor2d, type Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { accelerate, generateTokens } from '../../src/inference/index.ts';

beforeAll(async () => {
  await useBackend('wasm', { wasmPaths });
});

it('predicts and writes in a browser what the models do', async () => {
  const encoder = bert({
    layers: 2,
    hidden: 32,
    heads: 2,
    vocabulary: 50,
    positions: 12,
    length: 12,
    seed: 3,
  });
  const fast = await accelerate(encoder);
  const before = memory().numTensors;
  const x = tensor2d([5, 9, 11, 4, 8, 21, 49, 1, 1, 0, 0, 0], [1, 12], 'int32');
  const [wanted, found] = [encoder.predict(x) as Tensor, fast.predict(x)];
  const gaps = wanted
    .dataSync<'float32'>()
    .map((value, i) => Math.abs(value - found.dataSync<'float32'>()[i]!));
  expect(Math.max(...gaps)).toBeLessThan(1e-5);
  for (const tensor of [x, wanted, found]) tensor.dispose();
  expect(memory().numTensors).toBe(before);

  const decoder = gpt({
    vocabulary: 20,
    positions: 16,
    layers: 2,
    hidden: 16,
    heads: 2,
    length: null,
    seed: 3,
  });
  const writer = await accelerate(decoder);
  const options = { maxTokens: 10, temperature: 1, seed: 4 };
  expect(await writer.generate([[1, 2]], options)).toEqual(await generateTokens(decoder, [[1, 2]], options));
});
