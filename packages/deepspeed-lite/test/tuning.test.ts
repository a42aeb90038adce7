import '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { learningRateRange, oneCycle, scaleLearningRate, warmupDecay } from '../src/index.ts';

const over = (schedule: (step: number, total: number) => number, total: number) =>
  Array.from({ length: total }, (_, step) => schedule(step, total));
const close = (found: readonly number[], expected: readonly number[]) => {
  expect(found).toHaveLength(expected.length);
  found.forEach((x, i) => expect(x, `step ${i}`).toBeCloseTo(expected[i]!, 12));
};

describe('warmupDecay', () => {
  it('rises to the peak, then falls in a line', () => {
    close(over(warmupDecay({ peak: 1, warmup: 4 }), 8), [0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25]);
  });

  it('takes the warm-up as a part of all steps, too', () => {
    expect(over(warmupDecay({ peak: 2, warmup: 0.5 }), 8)).toEqual(
      over(warmupDecay({ peak: 2, warmup: 4 }), 8),
    );
  });

  it('falls as a cosine, a polynomial, or not at all, to the floor', () => {
    close(over(warmupDecay({ peak: 1, decay: 'cosine', floor: 0.5 }), 4), [
      1,
      0.75 + 0.25 * Math.SQRT1_2,
      0.75,
      0.75 - 0.25 * Math.SQRT1_2,
    ]);
    close(over(warmupDecay({ peak: 1, decay: 'polynomial', power: 3 }), 4), [1, 27 / 64, 1 / 8, 1 / 64]);
    close(over(warmupDecay({ peak: 3, decay: 'constant' }), 3), [3, 3, 3]);
    expect(warmupDecay({ peak: 1, floor: 0.1 })(100, 10)).toBeCloseTo(0.1, 12);
  });

  it('is finite where all is warm-up and for a single step', () => {
    close(over(warmupDecay({ peak: 1, warmup: 10 }), 2), [0.5, 1]);
    close(over(warmupDecay({ peak: 1 }), 1), [1]);
  });
});

describe('oneCycle', () => {
  it('goes up and down, then to almost 0, the momentum the other way', () => {
    const { learningRate, momentum } = oneCycle({ maxRate: 1, minRate: 0.2, finalRate: 0.1, rise: 0.4 });
    close(over(learningRate, 11), [0.2, 0.4, 0.6, 0.8, 1, 0.8, 0.6, 0.4, 0.2, 0.15, 0.1]);
    close(over(momentum, 11), [0.95, 0.925, 0.9, 0.875, 0.85, 0.875, 0.9, 0.925, 0.95, 0.95, 0.95]);
  });

  it('is finite for one step and for a cycle that takes all', () => {
    const { learningRate } = oneCycle({ maxRate: 1, rise: 0.5 });
    expect([learningRate(0, 1), ...over(learningRate, 3)].every(Number.isFinite)).toBe(true);
    expect(over(learningRate, 3)).toEqual([0.1, 1, 0.1]);
  });
});

describe('scaleLearningRate', () => {
  it('scales by k or √k', () => {
    expect(scaleLearningRate(0.1, { from: 256, to: 8192 })).toBeCloseTo(3.2, 12);
    expect(scaleLearningRate(0.1, { from: 100, to: 400, rule: 'square-root' })).toBeCloseTo(0.2, 12);
  });
});

describe('learningRateRange', () => {
  /** Gradient descent on x²/2 · 10, which diverges above 0.2. */
  const quadratic = () => {
    let x = 1;
    return (rate: number) => {
      const loss = 5 * x * x;
      x -= rate * 10 * x;
      return loss;
    };
  };

  it('finds where a quadratic learns and where it diverges', async () => {
    const found = await learningRateRange(quadratic(), { from: 1e-4, to: 10, steps: 60, smoothing: 0.5 });
    expect(found.divergedAt).toBeGreaterThan(0.2);
    expect(found.suggestion).toBeGreaterThan(1e-3);
    expect(found.suggestion).toBeLessThan(0.1);
    expect(found.atMinimum).toBeGreaterThan(found.suggestion);
    expect(found.points.at(-1)!.learningRate).toBeLessThan(found.divergedAt!);
  });

  it('does all its steps where nothing diverges, at rates in a line if asked', async () => {
    const found = await learningRateRange(quadratic(), { from: 0.01, to: 0.05, steps: 5, growth: 'linear' });
    expect(found.divergedAt).toBeUndefined();
    close(
      found.points.map(({ learningRate }) => learningRate),
      [0.01, 0.02, 0.03, 0.04, 0.05],
    );
  });

  it('stops at a loss that is not a number', async () => {
    let i = 0;
    const found = await learningRateRange(() => (i++ < 10 ? 1 / i : NaN), { steps: 20 });
    expect(found.points).toHaveLength(10);
    expect(found.divergedAt).toBeDefined();
  });

  it('says so when the loss never falls', async () => {
    let loss = 1;
    await expect(learningRateRange(() => (loss += 0.01), { steps: 10 })).rejects.toThrow(
      'the loss must fall',
    );
    await expect(learningRateRange(() => NaN, { steps: 10 })).rejects.toThrow('the loss must fall');
  });

  it('stops at the signal', async () => {
    const signal = AbortSignal.abort();
    await expect(learningRateRange(() => 1, { signal })).rejects.toThrow('stopped by the AbortSignal');
  });
});

it.each([
  [() => warmupDecay({ peak: 0 }), 'peak must be finite and above 0, got 0'],
  [() => warmupDecay({ peak: 1, warmup: -1 }), 'warmup must be finite and ≥ 0'],
  [() => warmupDecay({ peak: 1, floor: 2 }), 'floor must be in [0, peak] = [0, 1], got 2'],
  [() => warmupDecay({ peak: 1, decay: 'toString' as 'linear' }), 'decay must be constant, linear'],
  [() => oneCycle({ maxRate: 1, minRate: 2 }), 'finalRate ≤ minRate ≤ maxRate'],
  [() => oneCycle({ maxRate: 1, rise: 0.6 }), 'rise must be in (0, 0.5]'],
  [() => oneCycle({ maxRate: 1, momentum: [0.9, 1] }), 'momentum must be [low, high]'],
  [() => scaleLearningRate(1, { from: 0, to: 1 }), 'from must be finite and above 0'],
  [() => scaleLearningRate(1, { from: 1, to: 1, rule: 'cubic' as 'linear' }), 'rule must be'],
])('refuses what makes no sense, case %#', (make, message) => {
  expect(make).toThrow(message);
});

it.each([
  [{ from: 1, to: 0.5 }, '0 < from < to'],
  [{ steps: 2 }, 'steps must be an integer ≥ 3, got 2'],
  [{ smoothing: 1 }, 'smoothing must be in [0, 1)'],
  [{ stopAt: 1 }, 'stopAt must be above 1'],
])('refuses a range test with %j', async (options, message) => {
  await expect(learningRateRange(() => 1, options)).rejects.toThrow(message);
});
