import { simulate } from '@ockham/core/comm';
import { bert, cloneModel, mlp } from '@ockham/core/models';
import { Random } from '@ockham/core/random';
import type { Split } from '@ockham/core';
import { memory } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { expect, it } from 'vitest';
import { ContiguousBuffer, initialize, verify, type EngineConfig, type EngineReport } from '../src/index.ts';

const [LENGTH, HIDDEN, MICRO] = [6, 8, 2];
const random = new Random(5);
const texts: Split = {
  size: 16,
  x: { values: Int32Array.from({ length: 16 * LENGTH }, () => random.integer(12)), shape: [LENGTH] },
  y: { values: Int32Array.from({ length: 16 }, () => random.integer(2)), shape: [] },
};
/** Of four heads, for up to four ranks. */
const small = ({ layers = 2 } = {}): LayersModel =>
  bert({ layers, hidden: HIDDEN, heads: 4, vocabulary: 12, length: LENGTH, positions: LENGTH, classes: 2, dropout: 0.1, seed: 3 }); // prettier-ignore

async function train(
  config: EngineConfig,
  ranks: number,
  model = small(),
): Promise<readonly (EngineReport & { readonly losses: readonly number[] })[]> {
  const { results } = await simulate(ranks, async ({ comm }) => {
    const copy = await cloneModel(model);
    const engine = await initialize(copy, { microBatch: MICRO, learningRate: 0.01, ...config }, { comm });
    const { losses } = await engine.fit(texts, { epochs: 0.25 });
    const report = engine.report();
    await engine.close();
    copy.dispose();
    return { ...report, losses };
  });
  return results;
}

it.each<[string, EngineConfig]>([
  ['3 tensor ranks, which no size divides by', { mesh: { data: 1, tensor: 3 }, zero: 2 }],
  [
    '2 × 2 × 2 ranks with interleaved stages and ZeRO-3',
    { mesh: { data: 2, tensor: 2, pipeline: 2 }, schedule: 'interleaved', zero: 3, accumulation: 2 },
  ],
])('kept in parts on %s, inputs of blocks change no bit', async (_, config) => {
  const model = small({ layers: 1 });
  const settings: EngineConfig = { microBatch: MICRO, learningRate: 0.01, activationCheckpointing: 'split', ...config }; // prettier-ignore
  const { fromSequence } = await verify(model, settings, texts, { steps: 1 });
  expect(fromSequence).toEqual({ loss: 0, relativeLossAtFirst: 0, lastLoss: 0, parameters: 0 });
  model.dispose();
});

it('each of t tensor ranks keeps 1/t of them, in a buffer that is allocated once, and gathers each once', async () => {
  // two look-ups and their sum; of each layer what attention and the feed-forward network read, add and give; the first tokens; the mask
  const all = 4 * (15 * MICRO * LENGTH * HIDDEN + MICRO * HIDDEN + MICRO * LENGTH);
  for (const tensor of [2, 4]) {
    const mesh = { data: 1, tensor };
    const whole = await train({ mesh, activationCheckpointing: true }, tensor);
    const split = await train({ mesh, activationCheckpointing: 'split' }, tensor);
    expect(split.map(({ losses }) => losses)).toEqual(whole.map(({ losses }) => losses));
    for (const [rank, report] of split.entries()) {
      expect(report.buffers.checkpoints).toBe(all / tensor);
      expect(whole[rank]!.buffers.checkpoints).toBe(0);
      expect(report.activations).toBeLessThan(whole[rank]!.activations);
      // every part goes to the others, in every update
      const more = report.sentAlong!.tensor - whole[rank]!.sentAlong!.tensor;
      expect(more).toBe(report.updates * (all / tensor) * (tensor - 1));
    }
  }
});

it('has room for as many micro-batches as a stage has in flight', async () => {
  const reports = await train({ mesh: { data: 1, pipeline: 2 }, activationCheckpointing: 'split', accumulation: 4 }, 2); // prettier-ignore
  const one = await train({ mesh: { data: 1, pipeline: 2 }, activationCheckpointing: 'split', accumulation: 1 }, 2); // prettier-ignore
  const times = reports.map(({ buffers }, stage) => buffers.checkpoints / one[stage]!.buffers.checkpoints);
  expect(times).toEqual([2, 1]);
});

it('works alone too, and leaks nothing', async () => {
  const model = mlp({ inputShape: [LENGTH], units: [5, 4], classes: 2, dropout: 0.2, seed: 3 });
  const floats: Split = { ...texts, x: { values: Float32Array.from(texts.x.values), shape: [LENGTH] } };
  const run = async (activationCheckpointing: boolean | 'split'): Promise<readonly number[]> => {
    const before = memory().numTensors;
    const copy = await cloneModel(model);
    const engine = await initialize(copy, { microBatch: 4, activationCheckpointing });
    const { losses } = await engine.fit(floats, { epochs: 1 });
    expect(engine.report().buffers.checkpoints).toBe(activationCheckpointing === 'split' ? 4 * 4 * (LENGTH + 5) : 0); // prettier-ignore
    await engine.close();
    copy.dispose();
    expect(memory().numTensors).toBe(before);
    return losses;
  };
  expect(await run('split')).toEqual(await run(true));
  expect(await run('split')).toEqual(await run(false));
  await expect(initialize(model, { activationCheckpointing: 'all' as never })).rejects.toThrow(
    'activationCheckpointing must be true, false or split, got all',
  );
});

it('a contiguous buffer lies in one piece once its sizes are known', () => {
  const buffer = new ContiguousBuffer();
  const [a, b, c] = [buffer.take(3), buffer.take(5), buffer.take(3)];
  expect(a.buffer).not.toBe(c.buffer);
  for (const array of [a, b, c]) buffer.give(array);
  expect(buffer.bytes).toBe(4 * 11);
  buffer.settle();
  const again = [buffer.take(3), buffer.take(3), buffer.take(5)];
  expect(new Set(again.map((array) => array.buffer)).size).toBe(1);
  expect(again[0]!.buffer.byteLength).toBe(4 * 11);
  expect(new Set(again.map((array) => array.byteOffset)).size).toBe(3);
  for (const array of again) buffer.give(array);
  buffer.settle();
  expect(buffer.take(5).buffer).toBe(again[0]!.buffer);
});
