import * as tf from '@tensorflow/tfjs';
import { ArgumentError } from '@ockham/core';
import { toFloat16 } from '@ockham/core/files';
import { packCodes, type PackedMatrix } from '@ockham/core/kernels';
import { bert, gpt } from '@ockham/core/models';
import { describe, expect, it } from 'vitest';
import { accelerate, type QuantizeMatrix } from '../../src/inference/index.ts';
import { disposeModel } from '../../src/tensor/split-model.ts';
import { apart, shake, tokens } from './parity.ts';

/** Symmetric, one scale for each group of an output. */
function symmetric(coding: 'int8' | 'int4', group: number): QuantizeMatrix {
  return (values, [outputs, inputs]): PackedMatrix => {
    const most = coding === 'int8' ? 127 : 7;
    const groups = Math.ceil(inputs / group);
    const place = (i: number): number => Math.floor(i / inputs) * groups + Math.floor((i % inputs) / group);
    const scales = new Float32Array(outputs * groups);
    for (const [i, value] of values.entries())
      scales[place(i)] = Math.max(scales[place(i)]!, Math.abs(value) / most);
    const codes = Int8Array.from(values, (value, i) =>
      Math.max(-most, Math.min(most, Math.round(value / (scales[place(i)]! || 1)))),
    );
    return packCodes(codes, { coding, outputs, inputs, group, scales: toFloat16(scales) });
  };
}

const sizes = { layers: 2, hidden: 32, heads: 2, vocabulary: 50, positions: 12 };

describe.each([
  ['int8', 32, 0.05, 3.1],
  ['int4', 16, 0.6, 4.5],
] as const)('matrices in %s', (coding, group, error, smaller) => {
  it.each(['float32', 'int8'] as const)(
    'with %s activations are smaller, and near the model',
    async (activations) => {
      const model = shake(bert({ ...sizes, vocabulary: 3, length: 12, seed: 3 }), 4, 0.05);
      const [float, fast] = [
        await accelerate(model),
        await accelerate(model, { quantize: { weights: symmetric(coding, group), activations } }),
      ];
      expect(float.weightBytes / fast.weightBytes).toBeGreaterThan(smaller);
      const x = tokens(3, 12, 3, 5, 4);
      const [wanted, found] = [model.predict(x) as tf.Tensor, fast.predict(x)];
      expect(apart(wanted, found)).toBeLessThan(error);
      expect(apart(wanted, found)).toBeGreaterThan(0);
      tf.dispose([x, wanted, found]);
      disposeModel(model);
    },
  );

  it('generate the same text with a cache and without', async () => {
    const model = shake(gpt({ ...sizes, length: null, seed: 3 }), 5, 0.3);
    const grid = { bits: coding === 'int8' ? 8 : 4, granularity: { group } } as const;
    const fast = await accelerate(model, { quantize: { weights: grid } });
    const prompts = [[1, 2, 3], [7]];
    const cached = await fast.generate(prompts, { maxTokens: 9 });
    expect(await fast.generate(prompts, { maxTokens: 9, cache: false })).toEqual(cached);
    disposeModel(model);
  });
});

describe('quantised matrices', () => {
  it('may be some of them, and must have the sizes that were asked for', async () => {
    const model = bert({ ...sizes, length: 12, seed: 3 });
    const few: number[] = [];
    const weights: QuantizeMatrix = (values, [outputs, inputs]) => {
      few.push(outputs);
      return outputs === 128 ? symmetric('int8', inputs)(values, [outputs, inputs]) : undefined;
    };
    await accelerate(model, { quantize: { weights }, check: false });
    expect(few).toEqual([96, 32, 128, 32, 32, 64, 32, 128, 32, 32, 2]); // query, key and value are one, but in the last layer
    const other = symmetric('int8', 4)(new Float32Array(16), [4, 4]);
    await expect(accelerate(model, { quantize: { weights: () => other } })).rejects.toThrow(ArgumentError);
    disposeModel(model);
  });
});
