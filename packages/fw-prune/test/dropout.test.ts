import { layers, sequential } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { prune } from '../src/prune.ts';

function network() {
  return sequential({
    layers: [
      layers.dense({ inputShape: [4], units: 10 }),
      layers.dropout({ rate: 0.5 }),
      layers.dense({ units: 6, activation: 'softmax' }),
    ],
  });
}

const data = {
  train: {
    size: 10,
    x: { values: Float32Array.from({ length: 40 }, (_, i) => (i % 7) - 3), shape: [4] },
    y: { values: Int32Array.from({ length: 10 }, (_, i) => i % 6), shape: [] },
  },
};

describe('dropout in retraining', () => {
  it.each([
    [undefined, 'intended', 0.25], // a quarter of the weights left: 0.5·√0.25
    ['keep', 'intended', 0.5],
    [undefined, 'printed', 0.5],
    ['adjust', 'printed', 0.25],
  ] as const)('with dropout %s in the %s form has the rate %d', async (dropout, form, rate) => {
    const model = network();
    const { model: pruned, masks } = await prune(model, data, {
      method: 'simple',
      form,
      sparsity: 0.75,
      retrain: { epochs: 1, ...(dropout && { dropout }) },
    });
    expect((pruned.layers[1] as unknown as { rate: number }).rate).toBeCloseTo(rate, 10);
    expect((model.layers[1] as unknown as { rate: number }).rate).toBe(0.5);
    for (const owned of [model, pruned, masks]) owned.dispose();
  });
});
