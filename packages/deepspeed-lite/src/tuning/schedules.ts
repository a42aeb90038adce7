/** Learning rates over the steps of a run, in the form that `train` of `@ockham/core/training` takes. */
import { ArgumentError } from '@ockham/core';

/** A value for step `step`, from 0, of `total`. */
export type Schedule = (step: number, total: number) => number;

/** How a rate falls from its peak. */
export type Decay = 'constant' | 'linear' | 'cosine' | 'polynomial';

/** Options of {@link warmupDecay}. */
export interface WarmupDecayOptions {
  /** The highest rate, > 0. */
  readonly peak: number;
  /** Steps of warm-up if ≥ 1, else part of all steps. Default 0. */
  readonly warmup?: number;
  /** Default `linear`. */
  readonly decay?: Decay;
  /** Of `polynomial`, > 0. Default 2. */
  readonly power?: number;
  /** The rate that the fall would reach one step after the last, in [0, peak]. Default 0. */
  readonly floor?: number;
}

/**
 * Rises in a line to the peak, which the last step of the warm-up has (Goyal et al. 2017), then falls.
 *
 * @throws ArgumentError for options out of range.
 *
 * @example
 * await train(model, data, { epochs: 3, learningRate: warmupDecay({ peak: 1e-3, warmup: 0.1, decay: 'cosine' }) });
 */
export function warmupDecay(options: WarmupDecayOptions): Schedule {
  const { peak, warmup = 0, decay = 'linear', power = 2, floor = 0 } = options;
  checkPositive('warmupDecay', { peak, power });
  if (!(warmup >= 0 && warmup < Infinity))
    throw new ArgumentError(`warmupDecay: warmup must be finite and ≥ 0, got ${warmup}.`);
  if (!(floor >= 0 && floor <= peak))
    throw new ArgumentError(`warmupDecay: floor must be in [0, peak] = [0, ${peak}], got ${floor}.`);
  if (!Object.hasOwn(FALLS, decay))
    throw new ArgumentError(`warmupDecay: decay must be ${Object.keys(FALLS).join(', ')}, got ${decay}.`);
  return (step, total) => {
    const rise = Math.min(total, warmup >= 1 ? Math.round(warmup) : Math.round(warmup * total));
    if (step < rise) return (peak * (step + 1)) / rise;
    const done = Math.min(1, (step - rise) / Math.max(1, total - rise));
    return floor + (peak - floor) * FALLS[decay](done, power);
  };
}

const FALLS: Readonly<Record<Decay, (done: number, power: number) => number>> = {
  constant: () => 1,
  linear: (done) => 1 - done,
  cosine: (done) => 0.5 * (1 + Math.cos(Math.PI * done)),
  polynomial: (done, power) => (1 - done) ** power,
};

/** Options of {@link oneCycle}. */
export interface OneCycleOptions {
  /** The highest rate, > 0: of {@link learningRateRange}, for example. */
  readonly maxRate: number;
  /** Where the cycle begins and ends, in (0, maxRate]. Default maxRate/10. */
  readonly minRate?: number;
  /** The rate of the last step, in (0, minRate]. Default minRate/100. */
  readonly finalRate?: number;
  /** Part of the steps that rise, in (0, 1); as many fall. Default 0.45, at most 0.5: the rest falls to the final rate. */
  readonly rise?: number;
  /** Momentum at the highest and at the lowest rate, each in [0, 1). Default [0.85, 0.95]. */
  readonly momentum?: readonly [low: number, high: number];
}

/** The two schedules of {@link oneCycle}. */
export interface OneCycle {
  /** Rises to its peak and falls again. */
  readonly learningRate: Schedule;
  /** Falls while the rate rises, and rises again. */
  readonly momentum: Schedule;
}

/**
 * One cycle: the rate rises in a line to its highest and falls back, then on to almost 0; the momentum does the reverse.
 *
 * Source: Smith 2018, A disciplined approach to neural network hyper-parameters, section 4.
 *
 * @throws ArgumentError for options out of range.
 */
export function oneCycle(options: OneCycleOptions): OneCycle {
  const { maxRate, minRate = maxRate / 10, finalRate = minRate / 100, rise = 0.45 } = options;
  const [low, high] = options.momentum ?? [0.85, 0.95];
  checkPositive('oneCycle', { maxRate, minRate, finalRate, rise });
  if (!(minRate <= maxRate && finalRate <= minRate))
    throw new ArgumentError(
      `oneCycle: rates must be finalRate ≤ minRate ≤ maxRate, got ${finalRate}, ${minRate} and ${maxRate}.`,
    );
  if (rise > 0.5) throw new ArgumentError(`oneCycle: rise must be in (0, 0.5], got ${rise}.`);
  if (!(low >= 0 && low <= high && high < 1))
    throw new ArgumentError(`oneCycle: momentum must be [low, high] in [0, 1), got [${low}, ${high}].`);
  /** From 0 at the ends of the cycle to 1 at its peak; negative after it, −1 at the last step. */
  const phase = (step: number, total: number): number => {
    const at = total > 1 ? step / (total - 1) : 0;
    if (at <= rise) return at / rise;
    if (at <= 2 * rise) return 2 - at / rise;
    return -(at - 2 * rise) / (1 - 2 * rise);
  };
  return {
    learningRate: (step, total) => {
      const p = phase(step, total);
      return p >= 0 ? minRate + (maxRate - minRate) * p : minRate + (minRate - finalRate) * p;
    },
    momentum: (step, total) => high - (high - low) * Math.max(0, phase(step, total)),
  };
}

/**
 * The rate for another batch size: × k for k times the batch (`linear`, Goyal et al. 2017, for SGD) or × √k (`square-root`, Krizhevsky
 * 2014; You et al. 2020, for Adam and LAMB).
 *
 * @throws ArgumentError for numbers that are not above 0.
 *
 * @example
 * scaleLearningRate(0.1, { from: 256, to: 8192 }); // 3.2; warm up for the first epochs
 */
export function scaleLearningRate(
  learningRate: number,
  {
    from,
    to,
    rule = 'linear',
  }: { readonly from: number; readonly to: number; readonly rule?: 'linear' | 'square-root' },
): number {
  checkPositive('scaleLearningRate', { learningRate, from, to });
  if (rule !== 'linear' && rule !== 'square-root')
    throw new ArgumentError(`scaleLearningRate: rule must be linear or square-root, got ${String(rule)}.`);
  return learningRate * (rule === 'linear' ? to / from : Math.sqrt(to / from));
}

function checkPositive(who: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values))
    if (!(value > 0 && value < Infinity))
      throw new ArgumentError(`${who}: ${name} must be finite and above 0, got ${value}.`);
}
