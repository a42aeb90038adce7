/**
 * Loss scaling: the loss is multiplied by s before the backward pass and the gradients are divided by it after the reduction. A step
 * whose gradients are not finite is skipped and s halved; after `window` good ones it is doubled.
 *
 * Source: Micikevicius et al. 2018, "Mixed precision training", section 3.2.
 */
import { ArgumentError } from '@ockham/core';

/** Options of dynamic loss scaling. */
export interface LossScalingOptions {
  /** s at the start, a power of two, so that scaling changes no bit. Default 2¹⁶. */
  readonly initial?: number;
  /** Good steps in a row after which s is doubled. Default 2000. */
  readonly window?: number;
}

/** What is needed to go on. */
export interface LossScaling {
  readonly scale: number;
  readonly window: number;
  /** Good steps since the last change. */
  readonly good: number;
  /** A constant scale never changes; steps are skipped all the same. */
  readonly constant: boolean;
}

/** @throws ArgumentError naming `who`. */
export function lossScaling(who: string, given: LossScalingOptions | 'dynamic' | number): LossScaling {
  const { initial = 2 ** 16, window = 2000 } = typeof given === 'number' ? { initial: given } : given === 'dynamic' ? {} : given; // prettier-ignore
  if (!(initial > 0 && Number.isInteger(Math.log2(initial))))
    throw new ArgumentError(
      `${who}: the loss scale must be a power of two, got ${initial}. Use for example 1024.`,
    );
  if (!(Number.isInteger(window) && window >= 1))
    throw new ArgumentError(`${who}: lossScaling.window must be an integer ≥ 1, got ${window}.`);
  return { scale: initial, window, good: 0, constant: typeof given === 'number' };
}

/** The scaling after a step. */
export function afterStep(scaling: LossScaling, finite: boolean): LossScaling {
  if (scaling.constant) return scaling;
  if (!finite) return { ...scaling, scale: Math.max(2 ** -24, scaling.scale / 2), good: 0 };
  const good = scaling.good + 1;
  return good < scaling.window ? { ...scaling, good } : { ...scaling, scale: scaling.scale * 2, good: 0 };
}
