import { layers, sequential } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { Masks, summary } from '@ockham/fw-prune';

describe('summary', () => {
  it('gives parameters, non-zeros and FLOPs of every layer', async () => {
    const model = sequential({
      layers: [
        layers.conv2d({
          name: 'conv',
          inputShape: [5, 5, 1],
          filters: 2,
          kernelSize: 3,
          kernelInitializer: 'ones',
          biasInitializer: 'ones',
        }),
        layers.flatten({ name: 'flat' }),
        layers.dense({ name: 'dense', units: 3, kernelInitializer: 'ones', biasInitializer: 'ones' }), // 18 × 3
      ],
    });
    const masks = new Masks(model, [
      Uint8Array.from({ length: 18 }, (_, i) => Number(i < 6)),
      Uint8Array.from({ length: 54 }, (_, i) => i % 2),
    ]);
    masks.apply();
    const { rows, total, sparsity, unknown, text } = await summary(model);
    expect(
      rows.map(({ name, parameters, nonZeros, kernels, nonZeroKernels }) => [
        name,
        parameters,
        nonZeros,
        kernels,
        nonZeroKernels,
      ]),
    ).toEqual([
      ['conv', 20, 8, 18, 6],
      ['dense', 57, 30, 54, 27],
    ]);
    const [conv, dense] = rows;
    expect(conv!.flops! - conv!.nonZeroFlops!).toBe(2 * 12 * 9); // 12 pruned weights at 9 places
    expect(dense!.flops! - dense!.nonZeroFlops!).toBe(2 * 27);
    expect(total).toMatchObject({ parameters: 77, nonZeros: 38, kernels: 72, nonZeroKernels: 33 });
    expect(sparsity).toBeCloseTo(1 - 33 / 72, 12);
    expect(unknown).toEqual([]);
    expect(text.split('\n')).toHaveLength(5);
    expect(text).toMatch(/conv +Conv2D +20 +8 +33\.33 %/);
    masks.dispose();
  });
});
