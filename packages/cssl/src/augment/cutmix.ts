import type { Random } from '@ockham/core/random';
import type { Augmentation, ImageShape } from '../image.ts';
import { checkMixing, drawPartners, mixTargets, noPartners, type MixingOptions } from './partners.ts';

/** Options of `cutmix`. */
export type CutmixOptions = MixingOptions;

/** Rows `top` … `bottom - 1` and columns `left` … `right - 1`. */
interface Box {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

/**
 * CutMix: a box of an image is replaced by the same box of another of the batch, and the targets are mixed by area.
 *
 * Yun et al. 2019, equations 1 and 2: λ ~ Beta(α, α); the box has √(1 - λ) of each side (rounded down to an even number
 * of pixels), its centre is uniform over the image, and what reaches outside is cut off. The targets are mixed with
 * the λ of the area that was really replaced.
 */
export function cutmix(options: CutmixOptions, [height, width, channels]: ImageShape): Augmentation {
  const { alpha, probability, lambda: drawn, from } = checkMixing('cutmix', options);
  const partners = noPartners();
  const box: Box = { top: 0, bottom: 0, left: 0, right: 0 };
  return (batch, random) => {
    if (random.uniform() >= probability) return;
    drawPartners(partners, batch, from, random);
    const { size, pixels } = batch;
    const originals = partners.pixels;
    for (let row = from; row < size; row++) {
      if (row === from || drawn === 'image') drawBox(box, random.beta(alpha, alpha), height, width, random);
      const partner = partners.of[row]!;
      if (partner === row) continue;
      for (let y = box.top; y < box.bottom; y++) {
        const own = (row * height + y) * width;
        const other = (partner * height + y) * width;
        for (let i = box.left * channels; i < box.right * channels; i++) {
          pixels[own * channels + i] = originals[other * channels + i]!;
        }
      }
      const area = (box.bottom - box.top) * (box.right - box.left);
      mixTargets(partners, batch, row, 1 - area / (height * width));
    }
  };
}

function drawBox(box: Box, lambda: number, height: number, width: number, random: Random): void {
  const side = Math.sqrt(1 - lambda);
  const halfHeight = Math.floor(Math.floor(height * side) / 2);
  const halfWidth = Math.floor(Math.floor(width * side) / 2);
  const y = random.integer(height);
  const x = random.integer(width);
  box.top = Math.max(0, y - halfHeight);
  box.bottom = Math.min(height, y + halfHeight);
  box.left = Math.max(0, x - halfWidth);
  box.right = Math.min(width, x + halfWidth);
}
