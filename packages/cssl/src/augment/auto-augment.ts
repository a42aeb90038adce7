import { ArgumentError } from '@ockham/core';
import type { Augmentation, ImageShape } from '../image.ts';
import { load, makeCanvas, unload, type CanvasOptions } from './canvas.ts';
import { checkNumber } from './check-number.ts';
import { operationNames, operations, type OperationName } from './operations.ts';

/** An operation, the probability that it is applied, and its level 0–9; 0 for one without strength. */
export type PolicyStep = readonly [operation: OperationName, probability: number, level: number];

/** Operations one after the other. */
export type SubPolicy = readonly PolicyStep[];

/** Options of `autoaugment`. */
export interface AutoAugmentOptions extends CanvasOptions {
  /** Sub-policies, of which each image draws one. Default {@link cifar10Policy}. */
  readonly policy?: readonly SubPolicy[];
}

/** Levels go from 0 to this. */
const highest = 9;

/** The policy that was found on CIFAR-10 (AutoAugment, appendix, Table 7): 25 sub-policies of two operations. */
export const cifar10Policy: readonly SubPolicy[] = [
  [['invert', 0.1, 0], ['contrast', 0.2, 6]],
  [['rotate', 0.7, 2], ['translate-x', 0.3, 9]],
  [['sharpness', 0.8, 1], ['sharpness', 0.9, 3]],
  [['shear-y', 0.5, 8], ['translate-y', 0.7, 9]],
  [['auto-contrast', 0.5, 0], ['equalize', 0.9, 0]],
  [['shear-y', 0.2, 7], ['posterize', 0.3, 7]],
  [['color', 0.4, 3], ['brightness', 0.6, 7]],
  [['sharpness', 0.3, 9], ['brightness', 0.7, 9]],
  [['equalize', 0.6, 0], ['equalize', 0.5, 0]],
  [['contrast', 0.6, 7], ['sharpness', 0.6, 5]],
  [['color', 0.7, 7], ['translate-x', 0.5, 8]],
  [['equalize', 0.3, 0], ['auto-contrast', 0.4, 0]],
  [['translate-y', 0.4, 3], ['sharpness', 0.2, 6]],
  [['brightness', 0.9, 6], ['color', 0.2, 8]],
  [['solarize', 0.5, 2], ['invert', 0, 0]],
  [['equalize', 0.2, 0], ['auto-contrast', 0.6, 0]],
  [['equalize', 0.2, 0], ['equalize', 0.6, 0]],
  [['color', 0.9, 9], ['equalize', 0.6, 0]],
  [['auto-contrast', 0.8, 0], ['solarize', 0.2, 8]],
  [['brightness', 0.1, 3], ['color', 0.7, 0]],
  [['solarize', 0.4, 5], ['auto-contrast', 0.9, 0]],
  [['translate-y', 0.9, 9], ['translate-y', 0.7, 9]],
  [['auto-contrast', 0.9, 0], ['solarize', 0.8, 3]],
  [['equalize', 0.8, 0], ['invert', 0.1, 0]],
  [['translate-y', 0.7, 9], ['auto-contrast', 0.9, 0]],
]; // prettier-ignore

/**
 * AutoAugment: each image draws one sub-policy, uniformly, and goes through its operations, each with its probability.
 *
 * Cubuk, Zoph, Mané, Vasudevan and Le 2019, §3 and Table 7. Pixels are rounded to whole grey levels first, for the
 * operations are defined on bytes; an image to which nothing is applied stays as it is.
 *
 * Deviations: a level means what it does in torchvision (level k of 10 is k/9 of the range, a sign for shears,
 * translations, rotations and enhancements alike, translations by a part of the side).
 */
export function autoAugment(options: AutoAugmentOptions, shape: ImageShape): Augmentation {
  const { policy = cifar10Policy } = options;
  const canvas = makeCanvas('autoaugment', options, shape);
  checkPolicy(policy);
  const length = canvas.image.length;
  return ({ size, pixels }, random) => {
    for (let image = 0; image < size; image++) {
      let touched = false;
      for (const [name, probability, level] of policy[random.integer(policy.length)]!) {
        // drawn even when nothing comes of it, so that one image's luck does not shift the next one's
        const applied = random.uniform() < probability;
        const sign = random.uniform() < 0.5 ? -1 : 1;
        if (!applied) continue;
        if (!touched) load(canvas, pixels, image * length);
        touched = true;
        const { signed, magnitude, apply } = operations[name];
        const strength = magnitude(level / highest, shape);
        apply(canvas, signed ? sign * strength : strength, random);
      }
      if (touched) unload(canvas, pixels, image * length);
    }
  };
}

function checkPolicy(policy: readonly SubPolicy[]): void {
  if (policy.length === 0) {
    throw new ArgumentError(
      'autoaugment: policy must hold a sub-policy, got none. Leave it out for the CIFAR-10 policy.',
    );
  }
  for (const [name, probability, level] of policy.flat()) {
    if (!operationNames.includes(name)) {
      throw new ArgumentError(
        `autoaugment: an operation must be one of ${operationNames.join(', ')}, got ${name}. Correct the policy.`,
      );
    }
    checkNumber('autoaugment', `the probability of ${name}`, probability, 0, 1);
    checkNumber('autoaugment', `the level of ${name}`, level, 0, highest);
  }
}
