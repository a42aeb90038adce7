/**
 * How many bits a layer has at each step of a training that takes them away one by one.
 *
 * Source: MoQ of DeepSpeed: a start, a target and a period that grows; a layer's period is 1 + ⌊4 λ⌋ times as long, λ its
 * curvature relative to the largest, so that flat layers go first.
 * Deviations: DeepSpeed doubles the step of the next change; here each width is kept `growth` times as long as the one before.
 */
import { ArgumentError } from '@ockham/core';

/** Options of {@link bitSchedule}. */
export interface BitScheduleOptions {
  /** Bits at the first step, a whole number in [2, 16]. */
  readonly start: number;
  /** Bits at the end, a whole number in [2, `start`]. */
  readonly target: number;
  /** Steps before the first bit goes, > 0, at a factor of 1. */
  readonly period: number;
  /** How many times as long the next width is kept, ≥ 1. Default 2. */
  readonly growth?: number;
  /** Makes all periods so many times as long, > 0: see {@link periodFactors}. Default 1. */
  readonly factor?: number;
}

/** A schedule of bits. */
export interface BitSchedule {
  /** Bits at a step, from 0. */
  (step: number): number;
  /** The first step at the target. */
  readonly settled: number;
}

/**
 * @throws ArgumentError for options out of range.
 *
 * @example
 * const bits = bitSchedule({ start: 8, target: 4, period: 100 });
 * bits(99); // 8
 * bits(100); // 7, for 200 steps
 */
export function bitSchedule(options: BitScheduleOptions): BitSchedule {
  const { start, target, period, growth = 2, factor = 1 } = options;
  const whole = Number.isInteger(start) && Number.isInteger(target);
  if (!(whole && target >= 2 && target <= start && start <= 16))
    throw new ArgumentError(`bitSchedule: bits must be whole numbers with 2 ≤ target ≤ start ≤ 16, got start ${start} and target ${target}.`); // prettier-ignore
  if (!(period > 0 && Number.isFinite(period)))
    throw new ArgumentError(`bitSchedule: period must be a number of steps > 0, got ${period}.`);
  if (!(growth >= 1 && Number.isFinite(growth)))
    throw new ArgumentError(`bitSchedule: growth must be a number ≥ 1, got ${growth}.`);
  if (!(factor > 0 && Number.isFinite(factor)))
    throw new ArgumentError(`bitSchedule: factor must be a number > 0, got ${factor}.`);
  const changes: number[] = []; // the first step at start − 1, start − 2, …
  for (let k = 0, at = 0; k < start - target; k++) changes.push((at += period * factor * growth ** k));
  const bits = (step: number): number => start - changes.filter((at) => step >= at).length;
  return Object.assign(bits, { settled: Math.ceil(changes.at(-1) ?? 0) });
}

/**
 * How many times as long each layer's periods are: 1 + ⌊4 λ / λ_max⌋, in {1, …, 5}.
 *
 * @param curvatures Eigenvalues; of negative ones the magnitude counts.
 */
export function periodFactors(curvatures: readonly number[]): number[] {
  const magnitudes = curvatures.map(Math.abs);
  const most = magnitudes.reduce((a, b) => Math.max(a, b), 0);
  return magnitudes.map((value) => (most === 0 ? 1 : 1 + Math.floor((4 * value) / most)));
}
