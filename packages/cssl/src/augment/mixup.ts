import type { Augmentation, ImageShape } from '../image.ts';
import { checkMixing, drawPartners, mixTargets, noPartners, type MixingOptions } from './partners.ts';

/** Options of `mixup`. */
export type MixupOptions = MixingOptions;

/**
 * Mixup: an image and its target are blended with another of the batch.
 *
 * Zhang, Cisse, Dauphin and Lopez-Paz 2018, equation 1: x̃ = λ x_i + (1 - λ) x_j, ỹ = λ y_i + (1 - λ) y_j,
 * λ ~ Beta(α, α). Partners are a random permutation of the batch.
 */
export function mixup(options: MixupOptions, [height, width, channels]: ImageShape): Augmentation {
  const { alpha, probability, lambda: drawn, from } = checkMixing('mixup', options);
  const length = height * width * channels;
  const partners = noPartners();
  return (batch, random) => {
    if (random.uniform() >= probability) return;
    drawPartners(partners, batch, from, random);
    const { size, pixels } = batch;
    const originals = partners.pixels;
    let lambda = random.beta(alpha, alpha);
    for (let row = from; row < size; row++) {
      if (drawn === 'image' && row > from) lambda = random.beta(alpha, alpha);
      const partner = partners.of[row]!;
      if (partner === row) continue;
      const own = row * length;
      const other = partner * length;
      const rest = 1 - lambda;
      for (let i = 0; i < length; i++)
        pixels[own + i] = lambda * pixels[own + i]! + rest * originals[other + i]!;
      mixTargets(partners, batch, row, lambda);
    }
  };
}
