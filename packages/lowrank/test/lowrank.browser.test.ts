import '@tensorflow/tfjs';
import type { Split } from '@ockham/core';
import { useBackend } from '@ockham/core/backend';
import { gaussianClusters } from '@ockham/core/datasets';
import { evaluate } from '@ockham/core/metrics';
import { mlp } from '@ockham/core/models';
import { train } from '@ockham/core/training';
import {
  applyLora,
  compressLowRank,
  decodeAdapter,
  dlrt,
  encodeAdapter,
  installAdapter,
  mergeLora,
} from '@ockham/lowrank';
import { lte } from '@ockham/lowrank/lte';
import { recover, recoveryProblem } from '@ockham/lowrank/recovery';
import { wasmPaths } from '@ockham/vitest-config/wasm-paths';
import { memory, tensor, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { beforeAll, expect, it } from 'vitest';

beforeAll(async () => {
  await useBackend('wasm', { wasmPaths });
});

const data = gaussianClusters({ classes: 3, features: 16, examples: 300, separation: 5, seed: 7 });
const network = () => mlp({ inputShape: [16], units: [32, 32], classes: 3, seed: 7 });
const adam = { name: 'adam', learningRate: 0.01 } as const;

function outputs(model: LayersModel, { size, x }: Split): Float32Array {
  const input = tensor(x.values, [size, ...x.shape]);
  const output = model.predict(input) as Tensor;
  const values = output.dataSync<'float32'>();
  input.dispose();
  output.dispose();
  return values;
}

it('trains in low rank, by factors and by heads, and compresses', async () => {
  const model = network();
  const before = memory().numTensors;
  const { model: thin, report } = await dlrt(model, data.train, {
    tolerance: 0.2,
    epochs: 5,
    optimizer: adam,
    seed: 7,
  });
  expect(report.kernels).toBeLessThan(report.denseKernels);
  const { model: small } = await compressLowRank(model, { rank: 4, report: false });
  await lte(model, data.train, { heads: 2, rank: 3, mergeEvery: 4, epochs: 20, batchSize: 10, seed: 7 });
  for (const net of [thin, model]) {
    const { accuracy } = await evaluate(net, data.test);
    expect(accuracy).toBeGreaterThan(0.9);
  }
  for (const net of [thin, small]) net.dispose();
  expect(memory().numTensors).toBe(before);
});

it('adapts a model, and an adapter file gives the same outputs to the bit', async () => {
  const base = network();
  const adapted = applyLora(base, { rank: 2, seed: 7 });
  await train(adapted, data.train, { epochs: 5, optimizer: adam, seed: 7 });
  const { bytes } = await encodeAdapter(adapted);
  const again = await installAdapter(base, decodeAdapter(bytes));
  expect(outputs(again, data.test)).toEqual(outputs(adapted, data.test));
  const apart = outputs(adapted, data.test);
  const merged = outputs(mergeLora(adapted), data.test);
  expect(Math.max(...merged.map((value, i) => Math.abs(value - apart[i]!)))).toBeLessThan(1e-6);
});

it('recovers a channel, as Node does', async () => {
  const problem = recoveryProblem({ seed: 1, samples: 200, inputs: 20, outputs: 20, rank: 4, snr: 20 });
  const { rank, status, certificate } = await recover(problem, { method: 'sequential' });
  expect([rank, status]).toEqual([4, 'converged']);
  expect(certificate.residual).toBeLessThan(0.2);
});
