import '@tensorflow/tfjs';
import type { Split } from '@ockham/core';
import { useBackend } from '@ockham/core/backend';
import { gaussianClusters } from '@ockham/core/datasets';
import { countParameters } from '@ockham/core/metrics';
import { mlp } from '@ockham/core/models';
import { train } from '@ockham/core/training';
import { decodeSparseModel, encodeSparseModel, prune } from '@ockham/fw-prune';
import { wasmPaths } from '@ockham/vitest-config/wasm-paths';
import { memory, tensor, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { beforeAll, expect, it } from 'vitest';

beforeAll(async () => {
  await useBackend('wasm', { wasmPaths });
});

function outputs(model: LayersModel, { size, x }: Split): Float32Array {
  const input = tensor(x.values, [size, ...x.shape]);
  const output = model.predict(input) as Tensor;
  const values = output.dataSync<'float32'>();
  input.dispose();
  output.dispose();
  return values;
}

it('prunes in the browser, and the sparse file gives the same outputs to the bit', async () => {
  const data = gaussianClusters({ classes: 3, features: 8, examples: 300, separation: 5, seed: 7 });
  const model = mlp({ inputShape: [8], units: [32], classes: 3, seed: 7 });
  await train(model, data.train, { epochs: 5, optimizer: { name: 'adam', learningRate: 0.01 }, seed: 7 });
  const before = memory().numTensors;

  const {
    model: pruned,
    masks,
    history,
  } = await prune(model, data, {
    sparsity: 0.75,
    iterations: 3,
    retrain: { epochs: 4, batchSize: 32 },
    seed: 7,
  });
  expect(history.at(-1)!.accuracy).toBeGreaterThan(0.9);
  expect((await countParameters(pruned)).nonZeroKernels).toBe(88); // a quarter of 8·32 + 32·3

  const { bytes, denseBytes } = await encodeSparseModel(pruned);
  const again = await decodeSparseModel(bytes);
  expect(outputs(again, data.test)).toEqual(outputs(pruned, data.test));
  expect(denseBytes).toBe(4 * (352 + 35));
  bytes[bytes.length - 1]! ^= 1;
  await expect(decodeSparseModel(bytes)).rejects.toMatchObject({ code: 'corrupt-file' });

  for (const owner of [pruned, masks, again]) owner.dispose();
  expect(memory().numTensors).toBe(before);
});
