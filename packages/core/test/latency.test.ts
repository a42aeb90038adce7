import { memory } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { compareLatency, measureLatency } from '@ockham/core/metrics';
import { mlp } from '@ockham/core/models';

const made: tf.LayersModel[] = [];
const keep = (model: tf.LayersModel): tf.LayersModel => (made.push(model), model);
afterEach(() => {
  for (const model of made.splice(0)) model.dispose();
  vi.restoreAllMocks();
});

const small = () => keep(mlp({ inputShape: [3], units: [], classes: 2 }));
const quick = { repeats: 3, warmup: 1 } as const;

describe('measureLatency', () => {
  it('gives the median and the quartiles of the passes, for every batch size', async () => {
    const model = small();
    const costs = [1, 4, 2, 6, 8];
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    const apply = model.apply.bind(model);
    vi.spyOn(model, 'apply').mockImplementation((...args) => {
      now += costs.shift()!;
      return apply(...args);
    });
    const [row] = await measureLatency(model, { batch: [2], repeats: 5, warmup: 0 });
    expect(row).toEqual({ batch: 2, median: 4, quartiles: [2, 6], spread: 4, repeats: 5 });
  });

  it('times several passes at once where the clock is coarse', async () => {
    const clock = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => Math.floor(clock()));
    const models = { small: small(), 'as small': small() };
    const [row] = await compareLatency(models, { ...quick, batch: [1] });
    for (const { median } of Object.values(row!.latencies)) expect(median).toBeGreaterThan(0);
    expect(row!.latencies['small']!.median).not.toBe(Math.round(row!.latencies['small']!.median));
    expect(row!.speedup['as small']).toBeGreaterThan(0);
    expect(row!.speedup['as small']).toBeLessThan(Infinity);
  });

  it('measures batches of 1, 32 and 128 unless told otherwise', async () => {
    const rows = await measureLatency(small(), quick);
    expect(rows.map(({ batch, repeats }) => [batch, repeats])).toEqual([[1, 3], [32, 3], [128, 3]]); // prettier-ignore
    for (const row of rows) expect(row.median).toBeGreaterThan(0);
  });

  it('stops at the budget, but not before five passes', async () => {
    const [row] = await measureLatency(small(), { batch: [1], repeats: 50, warmup: 0, budget: 1e-9 });
    expect(row!.repeats).toBe(5);
  });

  it('takes open sizes, several inputs and outputs, and inputs of the caller', async () => {
    const a = tf.input({ shape: [null, 2] });
    const b = tf.input({ shape: [null, 2] });
    const sum = tf.layers.add().apply([a, b]) as tf.SymbolicTensor;
    const model = keep(
      tf.model({ inputs: [a, b], outputs: [sum, tf.layers.reLU().apply(sum) as tf.SymbolicTensor] }),
    );
    await expect(measureLatency(model, quick)).rejects.toThrow(/open sizes \[\?, 2\]. Pass inputShape/);
    expect(await measureLatency(model, { ...quick, batch: [4], inputShape: [5, 2] })).toHaveLength(1);
    const words = keep(
      tf.sequential({ layers: [tf.layers.embedding({ inputDim: 4, outputDim: 2, inputLength: 3 })] }),
    );
    const inputs = (batch: number) => tf.ones([batch, 3]);
    expect(await measureLatency(words, { ...quick, batch: [2], inputs })).toHaveLength(1);
  });

  it('leaks nothing, also when it is stopped', async () => {
    const model = small();
    const before = memory().numTensors;
    await measureLatency(model, { ...quick, batch: [1] });
    await expect(measureLatency(model, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(memory().numTensors).toBe(before);
  });

  it.each([
    [{ batch: [] }, /batch must list integers ≥ 1, got \[\]/],
    [{ batch: [0] }, /got \[0\]/],
    [{ repeats: 0 }, /repeats must be an integer ≥ 1, got 0/],
    [{ warmup: -1 }, /warmup must be an integer ≥ 0, got -1/],
    [{ budget: 0 }, /budget must be positive/],
  ])('refuses %o', async (options, message) => {
    await expect(measureLatency(small(), options)).rejects.toThrow(message);
  });
});

describe('compareLatency', () => {
  it('runs the models in turns and gives ratios of medians to the first', async () => {
    const order: string[] = [];
    const cost: Record<string, number> = { slow: 8, fast: 2 };
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    const models = Object.fromEntries(
      ['slow', 'fast'].map((name) => {
        const model = small();
        const apply = model.apply.bind(model);
        vi.spyOn(model, 'apply').mockImplementation((...args) => {
          order.push(name);
          now += cost[name]!;
          return apply(...args);
        });
        return [name, model];
      }),
    );
    const [row] = await compareLatency(models, { batch: [1], repeats: 3, warmup: 0 });
    expect(order).toEqual(['slow', 'fast', 'slow', 'fast', 'slow', 'fast']);
    expect(row!.speedup).toEqual({ slow: 1, fast: 4 });
    expect(row!.latencies['fast']).toMatchObject({ median: 2, spread: 0 });
  });

  it('refuses to compare nothing', async () => {
    await expect(compareLatency({})).rejects.toThrow(/at least one model/);
  });
});
