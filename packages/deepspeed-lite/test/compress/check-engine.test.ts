import { memory } from '@tensorflow/tfjs';
import { OckhamError } from '@ockham/core';
import type * as Kernels from '@ockham/core/kernels';
import { describe, expect, it, vi } from 'vitest';
import { compress, decodeCompressed, encodeCompressed } from '../../src/compress/index.ts';
import { clouds, denseNetwork } from './models.ts';

let right = true;
vi.mock('@ockham/core/kernels', async (original) => ({
  ...(await original<typeof Kernels>()),
  checkQuantizedProducts: async () => {
    if (!right) throw new OckhamError('engine-differs', 'checkQuantizedProducts: another result');
  },
}));

describe('an engine whose quantised products differ', () => {
  it('is refused, with nothing left behind; one that agrees is asked once', async () => {
    const model = denseNetwork();
    const data = { train: clouds(2, 64) };
    const options = { quantize: { weights: 4 }, report: false } as const;
    const before = memory().numTensors;
    right = false;
    await expect(compress(model, data, options)).rejects.toMatchObject({ code: 'engine-differs' });
    expect(memory().numTensors).toBe(before);
    right = true;
    const { model: small } = await compress(model, data, options);
    const bytes = await encodeCompressed(small);
    right = false; // it passed once: the engine is the same
    (await decodeCompressed(bytes)).dispose();
    small.dispose();
    expect(memory().numTensors).toBe(before);
    model.dispose();
  });
});
