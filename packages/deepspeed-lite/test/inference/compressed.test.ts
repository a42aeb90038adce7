import * as tf from '@tensorflow/tfjs';
import { UnsupportedModelError, type Split } from '@ockham/core';
import { simulate } from '@ockham/core/comm';
import { residentBytes } from '@ockham/core/metrics';
import { bert, gpt } from '@ockham/core/models';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compress, QuantizedLayer, type CompressOptions } from '../../src/compress/index.ts';
import { accelerate, accelerateRanks, generateTokens } from '../../src/inference/index.ts';
import { loadCompressed, saveCompressed } from '../../src/index.node.ts';
import { disposeModel } from '../../src/tensor/split-model.ts';
import { texts } from '../compress/models.ts';
import { apart, shake, tokens } from './parity.ts';

const LENGTH = 12;
const WORDS = 200;
const sizes = { layers: 2, hidden: 32, heads: 2, vocabulary: WORDS, positions: LENGTH, length: LENGTH };
const encoder = (): tf.LayersModel => shake(bert({ ...sizes, classes: 2, seed: 3 }), 4);
const decoder = (): tf.LayersModel => shake(gpt({ ...sizes, seed: 3 }), 5, 0.3);
const data = { train: texts(8, LENGTH, WORDS) };
/** Every word is followed by a word. */
const ahead: Split = { ...data.train, y: { values: new Int32Array(8 * LENGTH), shape: [LENGTH] } };

async function compressed(
  model: tf.LayersModel,
  quantize: CompressOptions['quantize'],
  options: Partial<CompressOptions> = {},
): Promise<tf.LayersModel> {
  const isDecoder = model.outputs[0]!.shape.length === 3;
  const { model: small } = await compress(model, isDecoder ? { train: ahead } : data, {
    quantize: { smallest: 0, ...quantize },
    ...{ loss: isDecoder ? 'crossEntropyFromLogits' : 'crossEntropy', report: false, ...options },
  });
  disposeModel(model);
  return small;
}

/** The largest difference of an accelerated model, which is asked once more when the model is gone. */
async function differenceOf(small: tf.LayersModel): Promise<number> {
  const x = tokens(3, LENGTH, WORDS, 5, 4);
  const fast = await accelerate(small);
  const [wanted, found] = [small.predict(x) as tf.Tensor, fast.predict(x)];
  const difference = apart(wanted, found);
  tf.dispose([x, wanted, found]);
  return difference;
}

describe.each([
  ['8', { weights: 8 }],
  ['4', { weights: 4, group: 16 }],
  ['4, not symmetric,', { weights: 4, group: 16, symmetric: false }],
] as const)('a model compressed to %s bits', (_, quantize) => {
  it('is accelerated as it is, to what it predicts, and its codes stay codes', async () => {
    for (const make of [encoder, decoder]) {
      const before = tf.memory().numTensors;
      const small = await compressed(make(), quantize);
      expect(await differenceOf(small)).toBeLessThan(1e-5);
      const fast = await accelerate(small);
      expect(fast.weightBytes / residentBytes(small)).toBeLessThan(1.1);
      const held = small.layers.filter((layer) => layer instanceof QuantizedLayer);
      expect(held.flatMap((layer) => layer.heldWeights()).length).toBeGreaterThan(12);
      small.dispose();
      expect(held.flatMap((layer) => layer.heldWeights())).toEqual([]); // of a table that is used twice, too
      expect(tf.memory().numTensors).toBe(before);
    }
  });
});

describe('a compressed model', () => {
  it('goes from training through a file to a fused program that answers as it does', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ockham-'));
    try {
      const model = decoder();
      const float = await accelerate(model);
      const small = await compressed(model, { weights: 4, group: 16 }, { distill: true });
      const path = join(folder, 'small.safetensors');
      await saveCompressed(small, path);
      const loaded = await loadCompressed(path);
      const fast = await accelerate(loaded);
      expect(float.weightBytes / fast.weightBytes).toBeGreaterThan(4);
      const prompts = [[1, 2, 3], [7]];
      const wanted = await generateTokens(small, prompts, { maxTokens: 8 });
      small.dispose();
      loaded.dispose();
      expect(await fast.generate(prompts, { maxTokens: 8 })).toEqual(wanted);
      expect(await fast.generate(prompts, { maxTokens: 8, cache: false })).toEqual(wanted);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it.each([
    [
      'other bits for some layers',
      { weights: 4, layers: { 'h_0/attn/key': 8, 'h_1/attn/value': 'float' } },
      {},
    ],
    ['a low-rank compensation', { weights: 3 }, { lowRank: 4 }],
    ['ternary weights', { weights: 'ternary', group: 8 }, {}],
    ['small layers in float', { weights: 8, smallest: 3000 }, {}],
    ['8-bit floats', { weights: 'fp8-e4m3' }, {}],
  ] as const)('may have %s', async (_, quantize, options) => {
    const small = await compressed(decoder(), quantize, options);
    expect(await differenceOf(small)).toBeLessThan(1e-5);
    small.dispose();
  });

  it.each(['dynamic', 'minmax'] as const)(
    'that rounds activations, %s, is followed to within a step',
    async (calibration) => {
      const small = await compressed(encoder(), { weights: 8, activations: 8, calibration });
      expect(await differenceOf(small)).toBeLessThan(0.05);
      small.dispose();
    },
  );

  it('is shared by ranks', async () => {
    const x = tokens(2, LENGTH, WORDS, 1, 4);
    for (const [quantize, options] of [
      [{ weights: 4, group: 8 }, {}],
      [{ weights: 4, group: 24 }, {}], // half of the inputs end amid a group
      [{ weights: 8 }, { lowRank: 2 }],
    ] as const) {
      const small = await compressed(encoder(), quantize, options);
      const wanted = small.predict(x) as tf.Tensor;
      for (const [tensor, pipeline] of [
        [2, 1],
        [1, 2],
      ] as const)
        // prettier-ignore
        await simulate(2, async ({ comm }) => {
          const ranked = await accelerateRanks(small, comm, { tensor, pipeline });
          const y = await ranked.predict(x);
          expect(apart(y, wanted)).toBeLessThan(1e-5);
          y.dispose();
          await ranked.close();
        });
      wanted.dispose();
      small.dispose();
    }
    x.dispose();
  });

  it('keeps what it is when the rest is quantised, and must have a role for every layer', async () => {
    const small = await compressed(encoder(), {
      weights: 4,
      layers: { 'encoder/layer_0/output/dense': 'float' },
    });
    const [plain, more] = [
      await accelerate(small),
      await accelerate(small, { quantize: { weights: { bits: 8 } } }),
    ];
    expect(more.weightBytes).toBeLessThan(plain.weightBytes);
    const { positions: _, ...embeddings } = plain.policy.embeddings;
    const idle = accelerate(small, { policy: { ...plain.policy, embeddings } });
    await expect(idle).rejects.toThrow(UnsupportedModelError);
    await expect(idle).rejects.toThrow(/position_embeddings plays none/);
    const misplaced = { ...plain.policy.layers[0]!, query: 'encoder/layer_0/intermediate/dense' };
    await expect(
      accelerate(small, { policy: { ...plain.policy, layers: [misplaced, plain.policy.layers[1]!] } }),
    ).rejects.toThrow(UnsupportedModelError);
    small.dispose();
  });
});
