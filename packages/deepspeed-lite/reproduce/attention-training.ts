import { selectExamples, takeExamples, throwIfAborted, type Dataset } from '@ockham/core';
import { evaluate } from '@ockham/core/metrics';
import { toRandom } from '@ockham/core/random';
import { initialize } from '@ockham/deepspeed-lite';
import { withSparseAttention, type BlockPattern } from '../src/attention/index.ts';
import { characterGpt, LOSS, lossOf, type CharacterSizes } from './characters.ts';

/** A GPT of characters, and how it is trained. */
export interface AttendingSizes extends CharacterSizes {
  readonly batchSize: number;
  readonly updates: number;
  readonly testExamples: number;
  readonly learningRate: number;
}

/** The test loss, in nats a character, of a GPT that is trained with a pattern, or densely; weights and batches are those of the seed. */
export async function trainAttending(
  characters: Dataset,
  sizes: AttendingSizes,
  seed: number,
  pattern: BlockPattern | undefined,
  signal: AbortSignal,
): Promise<number> {
  const { batchSize, updates, testExamples, learningRate, layers, hidden, heads, length } = sizes;
  const dense = characterGpt(characters, { layers, hidden, heads, length }, seed);
  const model = pattern ? await withSparseAttention(dense, pattern) : dense;
  const rate = (step: number): number =>
    learningRate * Math.min(1, (step + 1) / updates / 0.05, (1 - step / updates) / 0.95);
  let step = 0;
  const engine = await initialize(model, {
    globalBatch: batchSize,
    learningRate: () => rate(step),
    loss: LOSS,
    seed,
  });
  const random = toRandom(seed).stream('examples');
  for (; step < updates; step++) {
    throwIfAborted(signal, 'long-attention');
    await engine.trainBatch(
      selectExamples(characters.train, random.sample(characters.train.size, batchSize)),
    );
  }
  const test = takeExamples(characters.test, testExamples);
  const { loss } = await evaluate(model, test, { loss: lossOf, batchSize: 64 });
  await engine.close();
  model.dispose();
  if (pattern) dense.dispose();
  return loss;
}
