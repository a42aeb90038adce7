import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layers, memory, sequential, tensor, tidy, type LayersModel, type Tensor } from '@tensorflow/tfjs';
import { Random } from '@ockham/core/random';
import { lenet300100 } from '@ockham/core/models';
import { describe, expect, it } from 'vitest';
import { loadSparseModel, saveSparseModel } from '../src/index.node.ts';
import { decodeSparseModel, encodeSparseModel } from '../src/sparse-file.ts';

/** Leaves the given fraction of each kernel. */
function sparsify(model: LayersModel, keep: number): LayersModel {
  const random = new Random(3);
  tidy(() => {
    const weights = model.getWeights().map((w) => {
      const isKernel = w.shape.length > 1;
      const values = w.dataSync().map((v) => (isKernel && random.uniform() > keep ? 0 : v + 0.01));
      return tensor(values, w.shape);
    });
    model.setWeights(weights);
  });
  return model;
}

function smallNet(): LayersModel {
  return sequential({
    layers: [
      layers.conv2d({ inputShape: [8, 8, 1], filters: 4, kernelSize: 3, activation: 'relu' }),
      layers.batchNormalization(),
      layers.flatten(),
      layers.dense({ units: 3, activation: 'softmax' }),
    ],
  });
}

const bitsOf = (model: LayersModel) =>
  model.getWeights().map((w) => [...new Uint32Array((w.dataSync() as Float32Array).slice().buffer)]);

describe('encodeSparseModel', () => {
  it.each(['auto', 'dense', 'bitmap', 'csr', 'gaps'] as const)(
    'in the format %s comes back bit for bit',
    async (format) => {
      const model = sparsify(smallNet(), 0.1);
      const { bytes } = await encodeSparseModel(model, { format });
      const again = await decodeSparseModel(bytes);
      expect(bitsOf(again)).toEqual(bitsOf(model));
      const x = tensor(
        Float32Array.from({ length: 64 }, (_, i) => i / 64),
        [1, 8, 8, 1],
      );
      expect([...(again.predict(x) as Tensor).dataSync()]).toEqual([
        ...(model.predict(x) as Tensor).dataSync(),
      ]);
    },
  );

  it('at 95 % sparsity, header included, is ≥ 10 times smaller than dense float32, ≥ 16 times with float16', async () => {
    const model = sparsify(lenet300100({ seed: 1 }), 0.05);
    const full = await encodeSparseModel(model);
    const half = await encodeSparseModel(model, { values: 'float16' });
    expect(full.denseBytes).toBe(4 * model.countParams());
    expect(full.denseBytes / full.bytes.byteLength).toBeGreaterThanOrEqual(10);
    expect(half.denseBytes / half.bytes.byteLength).toBeGreaterThanOrEqual(16);
    for (const { name, shape, format } of full.weights)
      if (shape.length > 1) expect([name, format]).not.toEqual([name, 'dense']);
  });

  it('with float16 rounds each weight to the nearest half', async () => {
    const model = sparsify(smallNet(), 0.5);
    const again = await decodeSparseModel((await encodeSparseModel(model, { values: 'float16' })).bytes);
    const before = model.getWeights().flatMap((w) => [...w.dataSync()]);
    const after = again.getWeights().flatMap((w) => [...w.dataSync()]);
    before.forEach((v, i) =>
      expect(Math.abs(after[i]! - v)).toBeLessThanOrEqual(Math.max(Math.abs(v) * 2 ** -11, 2 ** -25)),
    );
  });

  it('refuses a weight that float16 cannot hold', async () => {
    const model = smallNet();
    tidy(() => model.layers[0]!.setWeights([model.layers[0]!.getWeights()[0]!, tensor([1e5, 0, 0, 0])]));
    await expect(encodeSparseModel(model, { values: 'float16' })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });

  it('names a damaged file instead of loading it', async () => {
    const { bytes } = await encodeSparseModel(sparsify(smallNet(), 0.1));
    const flipped = bytes.slice();
    flipped[bytes.length - 5]! ^= 1;
    await expect(decodeSparseModel(flipped)).rejects.toMatchObject({ code: 'corrupt-file' });
    await expect(decodeSparseModel(bytes.subarray(0, bytes.length - 9))).rejects.toMatchObject({
      code: 'corrupt-file',
    });
    await expect(decodeSparseModel(new Uint8Array(0))).rejects.toMatchObject({ code: 'corrupt-file' });
  });

  it('leaks no tensor', async () => {
    const model = smallNet();
    const before = memory().numTensors;
    const again = await decodeSparseModel((await encodeSparseModel(model)).bytes);
    again.dispose();
    expect(memory().numTensors).toBe(before);
  });
});

describe('saveSparseModel', () => {
  it('writes a file that loads again, and leaves the old one when writing fails', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ockham-'));
    const path = join(folder, 'model.ockham');
    const model = sparsify(smallNet(), 0.1);
    await saveSparseModel(model, path);
    expect(bitsOf(await loadSparseModel(path))).toEqual(bitsOf(model));
    await expect(saveSparseModel(model, join(path, 'below-a-file'))).rejects.toMatchObject({
      code: 'storage-failed',
    });
    expect((await readFile(path)).byteLength).toBeGreaterThan(0);
    await writeFile(path, 'not a model');
    await expect(loadSparseModel(path)).rejects.toMatchObject({ code: 'corrupt-file' });
    await expect(loadSparseModel(join(folder, 'none'))).rejects.toMatchObject({ code: 'storage-failed' });
    await rm(folder, { recursive: true });
  });
});
