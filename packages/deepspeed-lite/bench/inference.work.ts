/** Predictions of BERT-mini and texts of a character GPT, fused and not, in a process of their own. */
import '@tensorflow/tfjs';
import { useBackend } from '@ockham/core/backend/node';
import { bert, gpt } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import { accelerate, generateTokens } from '@ockham/deepspeed-lite/inference';
import { tensor2d, type Tensor } from '@tensorflow/tfjs-core';
import type { Work } from '../../../tooling/bench/src/work.ts';

/** What is predicted. */
export interface InferenceWorkOptions {
  readonly engine: 'wasm' | 'tensorflow';
  /** Texts, and tokens of each, none of them padding. */
  readonly batch: number;
  readonly length: number;
  /** Tokens that the GPT writes. */
  readonly tokens: number;
  readonly smoke: boolean;
}

const work: Work<InferenceWorkOptions> = async ({ engine, batch, length, tokens, smoke }) => {
  const { version = 'unknown' } = await useBackend(engine, { threads: 1 });
  const random = new Random(7);
  const sizes = smoke ? { preset: 'tiny' as const, vocabulary: 100 } : { preset: 'mini' as const };
  const encoder = bert({ ...sizes, length, seed: 7 });
  const ids = Array.from({ length: batch * length }, () => 1 + random.integer(99));
  const x = tensor2d(ids, [batch, length], 'int32');
  const predict = (model: { predict(input: Tensor): unknown }) => async (): Promise<void> => {
    const y = model.predict(x) as Tensor;
    await y.data();
    y.dispose();
  };
  const decoder = gpt({
    vocabulary: 65,
    positions: tokens + 8,
    length: null,
    layers: smoke ? 1 : 4,
    seed: 7,
  });
  const prompts = [[1, 2, 3, 4]];
  const written = { maxTokens: tokens };
  return {
    versions: { [engine]: version },
    works: {
      unfused: () => Promise.resolve(predict(encoder)),
      fused: async () => predict(await accelerate(encoder)),
      'whole texts': () =>
        Promise.resolve(async () => void (await generateTokens(decoder, prompts, written))),
      'fused, whole texts': async () => {
        const fast = await accelerate(decoder);
        return async () => void (await fast.generate(prompts, { ...written, cache: false }));
      },
      'fused, keys and values kept': async () => {
        const fast = await accelerate(decoder);
        return async () => void (await fast.generate(prompts, written));
      },
    },
  };
};

export default work;
