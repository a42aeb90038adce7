/**
 * The scale of a group of weights.
 *
 * Sources: ternary by the threshold of Li, Zhang and Liu 2016 ("Ternary weight networks", equation 6) or its exact optimum,
 * binary by Rastegari et al. 2016 ("XNOR-Net", equation 6); least squared error by trying shrunken ranges, as
 * Banner et al. 2019 and the range setting of most post-training toolkits.
 */
import { ArgumentError } from '@ockham/core';
import { fromFloat16Bits, toFloat16Bits } from '@ockham/core/files';
import { CODINGS, type Coding } from '@ockham/core/kernels';
import type { Grid } from './grid.ts';
import { roundToCodes } from './round-to-codes.ts';

/** What a group shares. A value stands at scale · (code − zero). */
export interface Scale {
  /** In half precision. */
  readonly bits: number;
  /** The same as a number, ≥ 0. */
  readonly scale: number;
  /** In the coding's range; 0 where it is symmetric. */
  readonly zero: number;
  /** Ternary: magnitudes up to this become 0. */
  readonly threshold?: number;
}

/** Shrunken ranges that are tried for the least squared error: 1, 0.96, … 0.4 of the largest magnitude. */
const SHRINK_STEPS = 16;
const SHRINK_BY = 0.04;

/** The scale of a group of finite weights for a coding. */
export function chooseScale(values: Float32Array, coding: Coding, grid: Grid): Scale {
  const { range = 'minmax', symmetric = true } = grid;
  if (coding === 'binary') return scaleOf(meanMagnitude(values));
  if (coding === 'ternary') return range === 'mse' ? ternaryOptimum(values) : ternaryByThreshold(values);
  const within = typeof range === 'object' ? percentileOf(values, range.percentile) : Infinity;
  const [low, high] = reach(values, within);
  const make = (part: number): Scale =>
    symmetric
      ? scaleOf((part * Math.max(high, -low)) / largest(coding))
      : withZero(part * low, part * high, coding);
  const full = make(1);
  if (range !== 'mse') return full;
  const scratch = new Int8Array(values.length);
  let best = full;
  let least = squaredError(values, coding, full, scratch);
  for (let step = 1; step < SHRINK_STEPS; step++) {
    const candidate = make(1 - SHRINK_BY * step);
    const error = squaredError(values, coding, candidate, scratch);
    if (error < least) [best, least] = [candidate, error];
  }
  return best;
}

/** The number that the largest magnitude becomes: 127, 7, 3 and 1 for integers, the largest number of a float. */
function largest(coding: Coding): number {
  const { high, values } = CODINGS[coding];
  if (!values) return high;
  return values.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, value) : most), 0);
}

function withZero(low: number, high: number, coding: Coding): Scale {
  const { low: first, high: last } = CODINGS[coding];
  const { bits, scale } = scaleOf((high - low) / (last - first));
  const zero = scale === 0 ? 0 : Math.min(last, Math.max(first, Math.round(first - low / scale)));
  return { bits, scale, zero };
}

function ternaryByThreshold(values: Float32Array): Scale {
  const threshold = 0.7 * meanMagnitude(values);
  let [sum, count] = [0, 0];
  for (const value of values) {
    const magnitude = Math.abs(value);
    if (magnitude <= threshold) continue;
    sum += magnitude;
    count++;
  }
  return { ...scaleOf(count === 0 ? 0 : sum / count), threshold };
}

/** Of the k largest magnitudes the mean is best, and Σ² / k is what it takes off the squared error: the best k. */
function ternaryOptimum(values: Float32Array): Scale {
  const falling = values.map(Math.abs).sort().reverse();
  let [sum, most, mean] = [0, 0, 0];
  for (const [i, magnitude] of falling.entries()) {
    sum += magnitude;
    const gain = (sum * sum) / (i + 1);
    if (gain > most) [most, mean] = [gain, sum / (i + 1)];
  }
  return { ...scaleOf(mean), threshold: mean / 2 };
}

function meanMagnitude(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += Math.abs(value);
  return values.length === 0 ? 0 : sum / values.length;
}

/** The smallest and the largest value, cut off at ± `within`, 0 between them. */
function reach(values: Float32Array, within: number): [low: number, high: number] {
  let [low, high] = [0, 0];
  for (const value of values) {
    if (value < low) low = value;
    else if (value > high) high = value;
  }
  return [Math.max(low, -within), Math.min(high, within)];
}

/** The magnitude that `percentile` % of the values do not exceed. */
function percentileOf(values: Float32Array, percentile: number): number {
  const rising = values.map(Math.abs).sort();
  return rising[Math.max(0, Math.ceil((percentile / 100) * rising.length) - 1)] ?? 0;
}

function squaredError(values: Float32Array, coding: Coding, at: Scale, scratch: Int8Array): number {
  roundToCodes(values, coding, at, scratch);
  const patterns = CODINGS[coding].values;
  let error = 0;
  for (let i = 0; i < values.length; i++) {
    const code = scratch[i]!;
    const number = patterns ? patterns[code & (patterns.length - 1)]! : code - at.zero;
    error += (values[i]! - at.scale * number) ** 2;
  }
  return error;
}

function scaleOf(wanted: number): Scale {
  const bits = toFloat16Bits(wanted);
  const scale = fromFloat16Bits(bits);
  if (Number.isFinite(scale)) return { bits, scale, zero: 0 };
  throw new ArgumentError(
    `quantize: a scale must be at most 65,504, the largest half-precision number, got ${wanted}. Scale the weights down first.`,
  );
}
