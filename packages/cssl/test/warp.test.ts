import { describe, expect, it } from 'vitest';
import { Random } from '@ockham/core/random';
import { augmentation, type WarpOptions } from '@ockham/cssl';
import type { ImageShape } from '../src/image.ts';
import { apart } from './augment-reference.ts';
import { copyOf, noiseBatch } from './image-batches.ts';
import { ScriptedRandom } from './scripted-random.ts';

const still = { rotate: 0, shear: 0, scale: 0, translate: 0, elastic: 0 } as const;

/** Warps noise with the draws given: angle, shear, width, height, right, down, each 0 … 1. */
function warped(shape: ImageShape, options: WarpOptions, random: Random) {
  const before = noiseBatch(1, shape, 2, 3);
  const after = copyOf(before);
  augmentation([{ name: 'warp', ...still, ...options }], shape)(after, random);
  return { before: before.pixels, after: after.pixels };
}

describe('warp', () => {
  it('leaves images as they are where nothing may change', () => {
    const { before, after } = warped([7, 4, 3], {}, new Random(1));
    expect(after).toEqual(before);
  });

  it('shifts by whole pixels as a crop does, and fills', () => {
    const shape = [4, 5, 3] as const;
    const { before, after } = warped(
      shape,
      { translate: 1, fill: 9 },
      new ScriptedRandom([0, 0, 0, 0, 1, 0]),
    );
    const crop = { ...noiseBatch(1, shape, 2, 3), pixels: before.slice() };
    augmentation([{ name: 'crop-flip', padding: 1, fill: 9 }], shape)(crop, new ScriptedRandom([0, 2, 0.9]));
    expect(apart(after, crop.pixels)).toBe(0);
  });

  it('turns a square image by a right angle', () => {
    const { before, after } = warped([4, 4, 1], { rotate: 90 }, new ScriptedRandom([1, 0, 0, 0, 0, 0]));
    const turned = Float32Array.from(before, (_, i) => before[(i % 4) * 4 + 3 - Math.floor(i / 4)]!);
    expect(apart(after, turned)).toBeLessThan(1e-3);
  });

  it('shears by columns a row around the middle', () => {
    const { before, after } = warped([3, 5, 1], { shear: 1 }, new ScriptedRandom([0, 1, 0, 0, 0, 0]));
    const at = (y: number, x: number) => (x < 0 || x > 4 ? 0 : before[5 * y + x]!);
    const sheared = Float32Array.from(before, (_, i) =>
      at(Math.floor(i / 5), (i % 5) + Math.floor(i / 5) - 1),
    );
    expect(apart(after, sheared)).toBeLessThan(1e-3);
  });

  it('stretches height and width each for itself, between pixels', () => {
    // exp(-ln 2) halves the step through the source: pixels 1, 1.5, 2, 2.5, 3 of five
    const half = { scale: Math.LN2 };
    const { before, after } = warped([1, 5, 1], half, new ScriptedRandom([0, 0, 0, 0.5, 0, 0]));
    const wanted = [1, 1.5, 2, 2.5, 3].map((x) => (before[Math.floor(x)]! + before[Math.ceil(x)]!) / 2);
    expect(apart(after, Float32Array.from(wanted))).toBeLessThan(1e-3);
  });

  it('pulls by the same where all nodes of the net are pulled by the same', () => {
    class SamePull extends ScriptedRandom {
      override normal(mean = 0, standardDeviation = 1): number {
        return mean + standardDeviation / 2;
      }
    }
    const pulled = warped([6, 6, 1], { elastic: 1 }, new SamePull([0, 0, 0, 0, 0, 0]));
    const shifted = warped([6, 6, 1], { translate: 0.5 }, new ScriptedRandom([0, 0, 0, 0, 1, 1]));
    expect(apart(pulled.after, shifted.after)).toBeLessThan(1e-3);
  });

  it.each([
    { rotate: 181 },
    { shear: -1 },
    { scale: 2 },
    { translate: Infinity },
    { elastic: NaN },
    { fill: 256 },
  ])('refuses %j', (options) => {
    expect(() => augmentation([{ name: 'warp', ...options }], [8, 8, 3])).toThrow(/warp: .* got/);
  });
});
