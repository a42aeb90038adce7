import { memory } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { memoryStore } from '@ockham/core/files';
import { restoreWeights } from '@ockham/core/training';
import {
  formatLotteryPlan,
  lotteryTicket,
  Masks,
  masksOf,
  type LotteryTicketOptions,
} from '@ockham/fw-prune';
import { clusters, kernelsOf, network, weightsOf } from './fixtures/clusters.ts';

const data = { train: clusters(32), test: clusters(20, 2) };
const quick = {
  rounds: 2,
  fraction: 0.5,
  train: { epochs: 2, batchSize: 16 },
  seed: 1,
} satisfies LotteryTicketOptions;

async function tickets(options: Partial<LotteryTicketOptions> = {}, model = network()) {
  const {
    model: trained,
    masks,
    tickets: found,
  } = await lotteryTicket(model, data, { ...quick, ...options });
  const plain = { found, weights: await weightsOf(trained), bits: masks.allBits() };
  masks.dispose();
  trained.dispose();
  return plain;
}

/** Kernels of a ticket's start, in the order of `network()`: kernel, bias, kernel, bias, … */
const startKernels = (start: { arrays: Readonly<Record<string, ArrayLike<number>>> }) =>
  [0, 2, 4].map((i) => [...Array.from(start.arrays[`weight/${i}`]!)]);

describe('lotteryTicket', () => {
  it('removes the fraction of the remaining weights in each round', async () => {
    const { found } = await tickets({ rounds: 3, fraction: 0.2 });
    expect(found.map(({ round, nonZeros }) => [round, nonZeros])).toEqual([
      [0, 56],
      [1, 45],
      [2, 36],
      [3, 29],
    ]);
    expect(found.map(({ sparsity }) => sparsity)).toEqual([56, 45, 36, 29].map((n) => 1 - n / 56));
  });

  it('plans first: the dry run names what the run then does, and trains nothing', async () => {
    const model = network();
    const before = await weightsOf(model);
    const start = memory().numTensors;
    const options = { ...quick, exclude: [model.layers.at(-1)!.name], reinitialise: true, floor: 0.1 };
    const plan = await lotteryTicket(model, data, { ...options, dryRun: true });
    expect(memory().numTensors).toBe(start);
    expect(await weightsOf(model)).toEqual(before);
    expect(plan.epochs).toBe(10); // dense, and two rounds of ticket and control
    const { found } = await tickets(options, model);
    const left = plan.rows.find(({ leftAlone }) => leftAlone === 'excluded')!.size;
    expect(plan.rounds.map(({ kept }) => kept + left)).toEqual(found.map(({ nonZeros }) => nonZeros));
    expect(plan.rounds.map(({ sparsity }) => sparsity)).toEqual(found.map(({ sparsity }) => sparsity));
    const last = Masks.fromSnapshot(model, found.at(-1)!.masks).weights;
    for (const [i, { least }] of plan.rows.entries()) expect(last[i]!.kept).toBeGreaterThanOrEqual(least);
    expect(formatLotteryPlan(plan)).toContain('10 passes over the training data');
    await expect(lotteryTicket(model, data, { ...options, floor: 1, dryRun: true })).rejects.toThrow(/floor/);
  });

  it('starts each round from the initial values of the kept weights', async () => {
    const model = network();
    const initial = await kernelsOf(model);
    const { found } = await tickets({}, model);
    for (const { masks, start } of found) {
      const own = Masks.fromSnapshot(model, masks).allBits();
      expect(startKernels(start)).toEqual(
        initial.map((kernel, k) => kernel.map((w, i) => (own[k]![i] === 1 ? w : 0))),
      );
    }
  });

  it('keeps the largest trained magnitudes', async () => {
    const model = network();
    const { found } = await tickets({ rounds: 1, floor: 0 }, model);
    const dense = await lotteryTicket(network(), data, {
      ...quick,
      rounds: 1,
      rewind: 'none',
      train: { ...quick.train, epochs: 2 },
    });
    // without rewinding the first round starts from the trained weights, thinned out
    const trained = startKernels(dense.tickets[1]!.start).flat();
    const kept = Masks.fromSnapshot(model, found[1]!.masks)
      .allBits()
      .flatMap((b) => [...b]);
    expect(trained.map((w) => Number(w !== 0))).toEqual(kept);
    dense.masks.dispose();
    dense.model.dispose();
  });

  it('rewinds to an early epoch of the very training it prunes', async () => {
    const { found } = await tickets({ rewind: 'early', rewindEpochs: 1, rounds: 1 });
    const { found: one } = await tickets({ rewind: 'none', rounds: 1, train: { ...quick.train, epochs: 1 } });
    const early = startKernels(found[1]!.start);
    const afterOne = startKernels(one[1]!.start);
    const both = early
      .flatMap((kernel, k) => kernel.map((w, i) => [w, afterOne[k]![i]!] as const))
      .filter(([a, b]) => a !== 0 && b !== 0);
    expect(both.length).toBeGreaterThan(10);
    for (const [a, b] of both) expect(a).toBe(b);
  });

  it('trains the control from the same values in other places', async () => {
    const { found } = await tickets({ reinitialise: true });
    expect(found[0]).not.toHaveProperty('reinitialised');
    for (const { reinitialised, loss, accuracy } of found.slice(1)) {
      expect(reinitialised!.loss).not.toBe(loss);
      expect(reinitialised!.accuracy).toBeGreaterThanOrEqual(0);
      expect(accuracy).toBeLessThanOrEqual(1);
    }
    const { found: alone } = await tickets();
    expect(found.map(({ loss }) => loss)).toEqual(alone.map(({ loss }) => loss)); // the control changes nothing else
  });

  it('leaves the given model as it was, repeats under a seed and leaks nothing', async () => {
    const model = network();
    const initial = await weightsOf(model);
    const before = memory().numTensors;
    const first = await tickets({ reinitialise: true, rewind: 'early' }, model);
    expect(memory().numTensors).toBe(before);
    expect(await weightsOf(model)).toEqual(initial);
    expect(await tickets({ reinitialise: true, rewind: 'early' }, model)).toEqual(first);
  });

  it('stops at the signal and leaves nothing behind', async () => {
    const model = network();
    const before = memory().numTensors;
    const controller = new AbortController();
    const run = lotteryTicket(model, data, {
      ...quick,
      signal: controller.signal,
      onRound: () => controller.abort(),
    });
    await expect(run).rejects.toMatchObject({ code: 'aborted' });
    expect(memory().numTensors).toBe(before);
  });

  it('stopped anywhere and started again finds the same tickets and weights, to the bit', async () => {
    const options = { rewind: 'early', reinitialise: true, snapshotEvery: 3 } as const;
    const whole = await tickets(options);
    for (const after of [1, 6, 9, 12]) {
      const checkpoint = memoryStore();
      const controller = new AbortController();
      let seen = 0;
      const progress = () => {
        if (++seen === after) controller.abort();
      };
      const stopped = tickets({ ...options, checkpoint, signal: controller.signal, progress });
      await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
      expect(await tickets({ ...options, checkpoint })).toEqual(whole);
      expect(await checkpoint.read()).toBeUndefined();
    }
  });

  it('refuses a checkpoint of another search', async () => {
    const checkpoint = memoryStore();
    const controller = new AbortController();
    const stop = { checkpoint, signal: controller.signal, onRound: () => controller.abort() };
    await expect(tickets(stop)).rejects.toMatchObject({ code: 'aborted' });
    await expect(tickets({ checkpoint, fraction: 0.4 })).rejects.toMatchObject({
      code: 'checkpoint-mismatch',
    });
  });

  it.each([
    ['no rounds', { rounds: 0 }, /rounds/],
    ['a fraction of 1', { fraction: 1 }, /fraction/],
    ['an unknown rewinding', { rewind: 'late' as never }, /initial, early or none/],
    ['no epochs', { train: { epochs: 0 } }, /train\.epochs/],
    ['a floor above 1', { floor: 2 }, /floor/],
    ['a floor that keeps more than the rounds leave', { floor: 0.5 }, /leave 14 of 56 weights/],
  ])('refuses %s', async (_, options, message) => {
    await expect(tickets(options)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(message),
    });
  });

  it('throws where a round would remove nothing, and for data that does not fit', async () => {
    await expect(tickets({ fraction: 0.005 })).rejects.toMatchObject({ code: 'nothing-changed' });
    const wrong = { ...data.train, x: { ...data.train.x, shape: [2, 1] } };
    await expect(lotteryTicket(network(), { train: wrong }, quick)).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });

  it('gives tickets that restore to where they started', async () => {
    const { found, weights } = await tickets({ rounds: 1 });
    const model = network(6);
    restoreWeights(model, found[1]!.start);
    const masks = Masks.fromSnapshot(model, found[1]!.masks);
    expect(startKernels(found[1]!.start)).toEqual(await kernelsOf(model));
    expect((await masksOf(model)).allBits()).toEqual(masks.allBits());
    expect(weights).not.toEqual(await weightsOf(model));
    masks.dispose();
  });
});
