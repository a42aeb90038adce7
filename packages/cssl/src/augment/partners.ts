import type { Random } from '@ockham/core/random';
import { ArgumentError } from '@ockham/core';
import type { ImageBatch } from '../image.ts';
import { checkNumber } from './check-number.ts';

/** How the images of a batch find each other, common to Mixup and CutMix. */
export interface MixingOptions {
  /** λ is drawn from Beta(alpha, alpha), alpha > 0. Default 1 (uniform), as both papers use for CIFAR. */
  readonly alpha?: number;
  /** Probability that a batch is mixed at all. Default 1. */
  readonly probability?: number;
  /** Whether one λ serves the whole batch, as in both papers' programs, or each image draws its own. Default `batch`. */
  readonly lambda?: 'batch' | 'image';
  /**
   * The first row that takes part. Default 0: all do, the new examples too, since Algorithm 1 augments their union with
   * the replayed ones. With 1, the first example stays whole and is no partner to others either.
   */
  readonly from?: number;
}

/** {@link MixingOptions} with the defaults filled in. @throws ArgumentError naming `who` */
export function checkMixing(who: string, options: MixingOptions): Required<MixingOptions> {
  const { alpha = 1, probability = 1, lambda = 'batch', from = 0 } = options;
  checkNumber(who, 'alpha', alpha, Number.MIN_VALUE, Infinity);
  checkNumber(who, 'probability', probability, 0, 1);
  checkNumber(who, 'from', from, 0, Infinity, 'integer');
  if (lambda !== 'batch' && lambda !== 'image') {
    throw new ArgumentError(
      `${who}: lambda must be batch or image, got ${String(lambda)}. Leave it out for batch.`,
    );
  }
  return { alpha, probability, lambda, from };
}

/** A batch as it was before mixing, and who is mixed with whom. Grows with the largest batch and is then reused. */
export interface Partners {
  pixels: Float32Array;
  targets: Float32Array;
  /** Row → row of its partner, a permutation. */
  of: Int32Array;
}

export function noPartners(): Partners {
  return { pixels: new Float32Array(0), targets: new Float32Array(0), of: new Int32Array(0) };
}

/** Copies the batch and pairs the rows from `from` on by a random permutation, in which a row may meet itself. */
export function drawPartners(partners: Partners, batch: ImageBatch, from: number, random: Random): void {
  const { size, pixels, targets } = batch;
  if (partners.of.length < size) partners.of = new Int32Array(size);
  if (partners.pixels.length < pixels.length) partners.pixels = new Float32Array(pixels.length);
  if (partners.targets.length < targets.length) partners.targets = new Float32Array(targets.length);
  partners.pixels.set(pixels);
  partners.targets.set(targets);
  const of = partners.of;
  for (let i = 0; i < size; i++) of[i] = i;
  for (let i = size - 1; i > from; i--) {
    const j = from + random.integer(i - from + 1);
    const swap = of[i]!;
    of[i] = of[j]!;
    of[j] = swap;
  }
}

/** `targets[row] = λ targets[row] + (1 - λ) targets[partner]`. */
export function mixTargets(partners: Partners, batch: ImageBatch, row: number, lambda: number): void {
  const { classes, targets } = batch;
  const own = row * classes;
  const other = partners.of[row]! * classes;
  for (let c = 0; c < classes; c++) {
    targets[own + c] = lambda * partners.targets[own + c]! + (1 - lambda) * partners.targets[other + c]!;
  }
}
