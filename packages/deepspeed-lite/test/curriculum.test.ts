import { layers, memory, sequential } from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  blockFlops,
  curriculum,
  efficiencyLedger,
  lengthDifficulty,
  lossDifficulty,
  pacing,
} from '../src/index.ts';

describe('pacing', () => {
  it('opens in a line, as a root, and in stages', () => {
    const linear = pacing({ kind: 'linear', start: 0.2, steps: 10 });
    const root = pacing({ kind: 'root', start: 0.2, steps: 10 });
    const stages = pacing({
      kind: 'step',
      stages: [
        { from: 0, part: 0.5 },
        { from: 4, part: 1 },
      ],
    });
    expect([0, 10, 99].map(linear)).toEqual([0.2, 1, 1]);
    expect(linear(5)).toBeCloseTo(0.6, 12);
    expect(root(5)).toBeCloseTo(Math.sqrt(0.5 * (0.04 + 1)), 12);
    expect([root(0), root(10)]).toEqual([0.2, 1]);
    expect([0, 3, 4, 9].map(stages)).toEqual([0.5, 0.5, 1, 1]);
  });

  it.each([
    [{ kind: 'linear', start: 0, steps: 3 }, 'start must be in (0, 1], got 0'],
    [{ kind: 'linear', steps: 0 }, 'steps must be ≥ 1'],
    [{ kind: 'root', steps: 3, root: 0.5 }, 'root must be ≥ 1'],
    [{ kind: 'cubic', steps: 3 }, 'kind must be linear, root or step'],
    [{ kind: 'step', stages: [] }, 'stages must begin at step 0'],
    [
      {
        kind: 'step',
        stages: [
          { from: 0, part: 1 },
          { from: 2, part: 0.5 },
        ],
      },
      'ascend',
    ],
  ] as const)('refuses %j', (options, message) => {
    expect(() => pacing(options as never)).toThrow(message);
  });
});

describe('curriculum', () => {
  it('draws different examples, none harder than the pacing allows, and then epochs of all', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 4, maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 20 }),
        fc.nat(),
        (difficulty, batchSize, steps, seed) => {
          const found = curriculum(difficulty, {
            batchSize,
            pacing: pacing({ kind: 'linear', steps }),
            seed,
          });
          const sorted = [...difficulty].sort((a, b) => a - b);
          for (let step = 0; step < steps; step++) {
            const batch = found.batch(step);
            expect(new Set(batch).size).toBe(batchSize);
            const hardest = sorted[found.available(step) - 1]!;
            for (const i of batch) expect(difficulty[i]).toBeLessThanOrEqual(hardest);
          }
          const opens = [...Array(steps + 1).keys()].find(
            (step) => found.available(step) === difficulty.length,
          )!;
          const perEpoch = Math.floor(difficulty.length / batchSize);
          const epoch = Array.from({ length: perEpoch }, (_, i) => [...found.batch(opens + i)]).flat();
          expect(new Set(epoch).size).toBe(perEpoch * batchSize);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is a function of seed and step: a run goes on anywhere', () => {
    const make = (seed: number) =>
      curriculum([...Array(50).keys()], { batchSize: 5, pacing: pacing({ kind: 'root', steps: 8 }), seed });
    const whole = make(3);
    const batches = Array.from({ length: 30 }, (_, step) => whole.batch(step));
    const resumed = make(3);
    for (const step of [29, 12, 3, 17]) expect(resumed.batch(step)).toEqual(batches[step]);
    expect(make(4).batch(3)).not.toEqual(batches[3]);
  });

  it('orders ties as the data does', () => {
    const { order } = curriculum([1, 0, 1, 0], { batchSize: 1, pacing: () => 1 });
    expect([...order]).toEqual([1, 3, 0, 2]);
  });

  it('never opens where the pacing never does', () => {
    const found = curriculum([3, 2, 1, 0], { batchSize: 1, pacing: () => 0.5 });
    for (let step = 0; step < 50; step++) expect(found.batch(step)[0]).toBeGreaterThanOrEqual(2);
  });

  it('refuses difficulties that are not finite, and batches larger than the data', () => {
    expect(() => curriculum([1, NaN], { batchSize: 1, pacing: () => 1 })).toThrow('got NaN for example 1');
    expect(() => curriculum([1, 2], { batchSize: 3, pacing: () => 1 })).toThrow(
      'batchSize must be an integer in [1, 2]',
    );
  });
});

describe('difficulty', () => {
  it('by length counts what is not padding, of ids with types the ids', () => {
    const y = { values: new Int32Array(2), shape: [] };
    const ids = { size: 2, x: { values: Int32Array.from([5, 6, 0, 7, 0, 0]), shape: [3] }, y };
    expect([...lengthDifficulty(ids)]).toEqual([2, 1]);
    const typed = { size: 2, x: { values: Int32Array.from([5, 0, 6, 1, 7, 1, 0, 0]), shape: [2, 2] }, y };
    expect([...lengthDifficulty(typed)]).toEqual([2, 1]);
  });

  it('by loss is that of each example alone, and leaks no tensor', async () => {
    const model = sequential({
      layers: [layers.dense({ units: 1, inputShape: [1], kernelInitializer: 'ones' })],
    });
    const x = { values: Float32Array.from([1, 2, 3]), shape: [1] };
    const y = { values: Float32Array.from([1, 0, 5]), shape: [1] };
    await lossDifficulty(model, { size: 3, x, y }, { loss: 'meanSquaredError' });
    const before = memory().numTensors;
    const found = await lossDifficulty(model, { size: 3, x, y }, { loss: 'meanSquaredError' });
    expect([...found]).toEqual([0, 4, 4]);
    expect(memory().numTensors).toBe(before);
    model.dispose();
  });
});

describe('the ledger', () => {
  it('counts tokens and operations of a step, by hand', () => {
    // h = 2, f = 3, s = 4: 2·4·(16 + 12) + 4·16·2 = 352
    expect(blockFlops(4, 2, 3)).toBe(352);
    const ledger = efficiencyLedger({ layers: 3, hidden: 2, intermediate: 3 });
    ledger.count({ sequences: 5, length: 4, seen: [4, 2, 0] });
    ledger.count({ sequences: 1, length: 4 });
    expect(ledger.counts()).toEqual({
      steps: 2,
      tokens: 24,
      layerTokens: 5 * 6 + 12,
      fullLayerTokens: 72,
      flops: 3 * (5 * (352 + blockFlops(2, 2, 3)) + 3 * 352),
      fullFlops: 3 * 6 * 3 * 352,
    });
  });

  it('refuses more tokens than there are', () => {
    const ledger = efficiencyLedger({ layers: 2, hidden: 2 });
    expect(() => ledger.count({ sequences: 1, length: 4, seen: [4, 5] })).toThrow('an integer in [0, 4]');
    expect(() => ledger.count({ sequences: 1, length: 4, seen: [4] })).toThrow('each of the 2 layers');
  });
});
