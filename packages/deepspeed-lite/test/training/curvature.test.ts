import { layers, memory, sequential, tensor, tidy, type Tensor, type Variable } from '@tensorflow/tfjs';
import type { Split } from '@ockham/core';
import { eigh, matrix } from '@ockham/core/linalg';
import { Random } from '@ockham/core/random';
import { lossFunction, lossGradients, saveWeights, trainableVariables } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { layerCurvatures } from '../../src/compress/training/curvature.ts';
import { points, tinyBert, tinyMlp, tokenTexts } from './tiny-models.ts';

/** The eigenvalue of largest magnitude of one variable's Hessian, column by column from gradients. */
function bruteForce(model: LayersModel, data: Split, variable: Variable): number {
  const n = variable.size;
  const loss = lossFunction('crossEntropy');
  const gradientAt = (values: Float32Array): Float32Array =>
    tidy(() => {
      variable.assign(tensor(values, variable.shape));
      const x = tensor(data.x.values, [data.size, ...data.x.shape]);
      const y = tensor(data.y.values as Int32Array, [data.size], 'int32');
      const { grads } = lossGradients(() => loss(y, model.apply(x) as Tensor).asScalar(), [variable]);
      return grads[variable.name]!.dataSync<'float32'>().slice();
    });
  const w = variable.dataSync<'float32'>().slice();
  const H = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    const [up, down] = [1e-2, -1e-2].map((h) => gradientAt(w.with(j, w[j]! + h)));
    for (let i = 0; i < n; i++) H[i * n + j] = (up![i]! - down![i]!) / 2e-2;
  }
  gradientAt(w);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < i; j++) H[i * n + j] = H[j * n + i] = (H[i * n + j]! + H[j * n + i]!) / 2;
  return eigh(matrix(n, n, H)).values.reduce((most, value) =>
    Math.abs(value) > Math.abs(most) ? value : most,
  );
}

describe('layerCurvatures', () => {
  it('is the largest eigenvalue of 2 XᵀX / n for least squares', async () => {
    const random = new Random(3);
    const [size, width] = [40, 5];
    const values = Float32Array.from({ length: size * width }, (_, i) => random.normal() * (1 + (i % width)));
    const targets = Float32Array.from({ length: size }, () => random.normal());
    const model = sequential({
      layers: [layers.dense({ units: 1, useBias: false, inputShape: [width], name: 'line' })],
    });
    const data: Split = { size, x: { values, shape: [width] }, y: { values: targets, shape: [1] } };
    const gram = new Float64Array(width * width);
    for (let r = 0; r < size; r++)
      for (let i = 0; i < width; i++)
        for (let j = 0; j < width; j++)
          gram[i * width + j]! += (2 / size) * values[r * width + i]! * values[r * width + j]!;
    const expected = eigh(matrix(width, width, gram)).values.reduce((a, b) => Math.max(a, b));
    const options = { loss: 'meanSquaredError', examples: size, iterations: 100, tolerance: 1e-7 } as const;
    const [found] = await layerCurvatures(model, data, options);
    expect(found!.path).toBe('line');
    expect(found!.eigenvalue / expected).toBeCloseTo(1, 3);
    model.dispose();
  });

  it('agrees with the whole Hessian of each matrix of a network, computed column by column', async () => {
    const model = tinyMlp(7, 'tanh'); // a kink has no second derivative
    const data = points(48);
    const found = await layerCurvatures(model, data, {
      examples: 48,
      iterations: 200,
      tolerance: 1e-6,
      step: 1e-2,
    });
    for (const [i, name] of ['first', 'second'].entries()) {
      const kernel = trainableVariables(model)[2 * i]!;
      expect(found[i]!.path).toBe(name);
      const expected = bruteForce(model, data, kernel);
      expect(Math.abs(found[i]!.eigenvalue / expected - 1), name).toBeLessThan(0.03);
    }
    model.dispose();
  });

  it('leaves weights to the bit, leaks nothing, and is the same for the same seed', async () => {
    const model = tinyBert();
    const data = tokenTexts(24);
    const before = await saveWeights(model);
    const options = { loss: 'crossEntropyFromLogits', examples: 16, iterations: 2, seed: 5, paths: ['embeddings/word_embeddings', 'encoder/layer_1/attention/self/query'] } as const; // prettier-ignore
    const tensors = memory().numTensors;
    const first = await layerCurvatures(model, data, options);
    expect(memory().numTensors).toBe(tensors);
    expect(await saveWeights(model)).toEqual(before);
    expect(await layerCurvatures(model, data, options)).toEqual(first);
    expect(first.every(({ eigenvalue }) => Number.isFinite(eigenvalue))).toBe(true);
    model.dispose();
  });

  it('puts weights back and frees everything when the signal fires in between', async () => {
    const model = tinyMlp();
    const before = await saveWeights(model);
    const tensors = memory().numTensors;
    const controller = new AbortController();
    const progress = () => controller.abort();
    await expect(layerCurvatures(model, points(8), { signal: controller.signal, progress })).rejects.toMatchObject({ code: 'aborted' }); // prettier-ignore
    expect(memory().numTensors).toBe(tensors);
    expect(await saveWeights(model)).toEqual(before);
    model.dispose();
  });

  it('gives 0 for a matrix that the loss does not depend on', async () => {
    const model = tinyMlp();
    tidy(() => trainableVariables(model)[2]!.assign(tensor(new Float32Array(18), [6, 3]))); // second kernel: no path back
    const [first] = await layerCurvatures(model, points(8), { paths: ['first'] });
    expect(first).toMatchObject({ eigenvalue: 0, iterations: 1 });
    model.dispose();
  });

  it('refuses options out of range and layers there are not', async () => {
    const model = tinyMlp();
    await expect(layerCurvatures(model, points(8), { examples: 0 })).rejects.toThrow('examples must be');
    await expect(layerCurvatures(model, points(8), { step: 0 })).rejects.toThrow('step must be');
    await expect(layerCurvatures(model, points(8), { paths: ['third'] })).rejects.toThrow(
      'There are first, second',
    );
    model.dispose();
  });
});
