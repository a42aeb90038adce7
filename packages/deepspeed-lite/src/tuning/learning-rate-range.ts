/**
 * The learning-rate range test: the rate rises from step to step, and the losses show between which rates a run learns.
 *
 * Source: Smith 2017, Cyclical learning rates for training neural networks, section 3.3; the losses are smoothed and the rate grows
 * exponentially, as has become usual since.
 */
import { ArgumentError, throwIfAborted, type Progress } from '@ockham/core';

/** Options of {@link learningRateRange}. */
export interface LearningRateRangeOptions {
  /** The first rate, > 0. Default 1e-6. */
  readonly from?: number;
  /** The last rate, > from. Default 1. */
  readonly to?: number;
  /** Steps, ≥ 3. Default 100. */
  readonly steps?: number;
  /** Default `exponential`. */
  readonly growth?: 'exponential' | 'linear';
  /** Weight of the past in the smoothed loss, in [0, 1). Default 0.9. */
  readonly smoothing?: number;
  /** Stops when the smoothed loss is so many times its least, > 1. Default 4. */
  readonly stopAt?: number;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** One step of the test. */
export interface RangePoint {
  /** Of the step. */
  readonly learningRate: number;
  /** Before the step. */
  readonly loss: number;
  /** The exponential mean of the losses, its bias taken out. */
  readonly smoothed: number;
}

/** What the test found. */
export interface LearningRateRange {
  /** One for each step. */
  readonly points: readonly RangePoint[];
  /** Where the smoothed loss falls fastest against the logarithm of the rate: a rate to train with. */
  readonly suggestion: number;
  /** Where the smoothed loss is least: an upper bound, `maxRate` of a cycle is somewhat below it. */
  readonly atMinimum: number;
  /** The rate at which the test stopped early, if it did. */
  readonly divergedAt: number | undefined;
}

/**
 * Runs the test with any training step. What it trains is of no use afterwards: give it a copy, or load the weights anew.
 *
 * @param step Makes one step at this rate on the next batch and gives the loss before it, for example
 *   `engine.trainBatch` with the rate set.
 * @throws ArgumentError for options out of range, and if the loss never fell.
 * @throws AbortedError when the signal fires.
 */
export async function learningRateRange(
  step: (learningRate: number, index: number) => number | Promise<number>,
  options: LearningRateRangeOptions = {},
): Promise<LearningRateRange> {
  const { from = 1e-6, to = 1, steps = 100, growth = 'exponential', smoothing = 0.9, stopAt = 4 } = options;
  if (!(from > 0 && to > from && to < Infinity))
    throw new ArgumentError(`learningRateRange: rates must be 0 < from < to, got ${from} and ${to}.`);
  if (!(Number.isInteger(steps) && steps >= 3))
    throw new ArgumentError(`learningRateRange: steps must be an integer ≥ 3, got ${steps}.`);
  if (!(smoothing >= 0 && smoothing < 1))
    throw new ArgumentError(`learningRateRange: smoothing must be in [0, 1), got ${smoothing}.`);
  if (!(stopAt > 1)) throw new ArgumentError(`learningRateRange: stopAt must be above 1, got ${stopAt}.`);
  const points: RangePoint[] = [];
  let mean = 0;
  let least = Infinity;
  let divergedAt: number | undefined;
  for (let i = 0; i < steps; i++) {
    throwIfAborted(options.signal, 'learningRateRange');
    const part = i / (steps - 1);
    const learningRate = growth === 'linear' ? from + (to - from) * part : from * (to / from) ** part;
    const loss = await step(learningRate, i);
    mean = smoothing * mean + (1 - smoothing) * loss;
    const smoothed = mean / (1 - smoothing ** (i + 1));
    if (!Number.isFinite(smoothed) || smoothed > stopAt * least) {
      divergedAt = learningRate;
      break;
    }
    least = Math.min(least, smoothed);
    points.push({ learningRate, loss, smoothed });
    options.progress?.({
      stage: 'learning-rate range',
      done: i + 1,
      total: steps,
      metrics: { learningRate, loss },
    });
  }
  return { points, ...readRange(points), divergedAt };
}

/** Slopes over two steps on each side, so that one noisy batch does not decide. */
function readRange(points: readonly RangePoint[]): Pick<LearningRateRange, 'suggestion' | 'atMinimum'> {
  const minimum = points.reduce((best, { smoothed }, i) => (smoothed < points[best]!.smoothed ? i : best), 0);
  let steepest = -1;
  let slope = 0;
  for (let i = 1; i < minimum; i++) {
    const [a, b] = [points[Math.max(0, i - 2)]!, points[Math.min(points.length - 1, i + 2)]!];
    const found = (b.smoothed - a.smoothed) / Math.log(b.learningRate / a.learningRate);
    if (found < slope) [steepest, slope] = [i, found];
  }
  if (steepest < 0)
    throw new ArgumentError(
      `learningRateRange: the loss must fall somewhere between the rates, but it was least at ${points[minimum]?.learningRate ?? 'none'}. Begin at a lower rate, or take more steps.`,
    );
  return { suggestion: points[steepest]!.learningRate, atMinimum: points[minimum]!.learningRate };
}
