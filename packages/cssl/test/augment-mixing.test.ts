import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '@ockham/core/random';
import { augmentation, type AugmentationStep } from '@ockham/cssl';
import type { ImageBatch } from '../src/image.ts';
import { apart, arrays, pictures } from './augment-reference.ts';
import { copyOf, noiseBatch } from './image-batches.ts';
import { ScriptedRandom } from './scripted-random.ts';

const shape = [6, 5, 3] as const;

function referenceBatch(): ImageBatch {
  const targets = new Float32Array(12);
  arrays
    .get('labels')!
    .values.forEach((label: number | bigint, row: number) => (targets[3 * row + Number(label)] = 1));
  return { shape, size: 4, pixels: Float32Array.from(pictures.get('batch')!.pixels), classes: 3, targets };
}

/** Draws of a shuffle that pairs each row with the row before it. */
const pairing = [2, 1, 0];

function expectReference(name: string, step: AugmentationStep, draws: readonly number[]): void {
  const batch = referenceBatch();
  const random = new ScriptedRandom(draws);
  augmentation([step], shape)(batch, random);
  expect(apart(batch.pixels, arrays.get(`${name}/pixels`)!.values as Float32Array)).toBeLessThan(1e-4);
  expect(apart(batch.targets, arrays.get(`${name}/targets`)!.values as Float32Array)).toBeLessThan(1e-6);
  expect(random.left).toBe(0);
}

describe('mixup', () => {
  it.each([0, 0.3, 1])('equals torchvision at λ = %d', (lambda) => {
    expectReference(`mixup/${lambda.toFixed(1)}`, 'mixup', [0, ...pairing, lambda]);
  });
});

describe('cutmix', () => {
  it.each([
    [0.2, 2, 3],
    [0.7, 4, 0],
    [0, 0, 5],
    [1, 1, 1],
  ])('equals torchvision at λ = %d, a box around column %d and row %d', (lambda, x, y) => {
    expectReference(`cutmix/${lambda.toFixed(1)}/${x}/${y}`, 'cutmix', [0, ...pairing, lambda, y, x]);
  });

  it('mixes targets by the share of pixels that each image really has', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom('batch' as const, 'image' as const),
        (seed, size, lambda) => {
          // the grey level says which row a pixel is of, and each row is a class of its own
          const batch = noiseBatch(size, [7, 12, 1], size, seed);
          batch.targets.forEach((_, i) => (batch.targets[i] = i % (size + 1) === 0 ? 1 : 0));
          batch.pixels.forEach((_, i) => (batch.pixels[i] = Math.floor(i / 84)));
          augmentation([{ name: 'cutmix', lambda }], [7, 12, 1])(batch, new Random(seed));
          for (let row = 0; row < size; row++) {
            for (let c = 0; c < size; c++) {
              const share = batch.pixels.subarray(84 * row, 84 * row + 84).filter((v) => v === c).length / 84;
              expect(batch.targets[row * size + c]).toBeCloseTo(share, 6);
            }
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe.each(['mixup', 'cutmix'] as const)('%s', (name) => {
  it('keeps the sum of each target at 1, whatever targets were before, and pixels in range', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom(0.001, 0.2, 1, 8),
        fc.constantFrom('batch' as const, 'image' as const),
        (seed, size, classes, alpha, lambda) => {
          const batch = noiseBatch(size, [5, 4, 1], classes, seed);
          const step = { name, alpha, lambda } as AugmentationStep;
          const augment = augmentation({ steps: [step, step], mixing: 'each' }, [5, 4, 1]);
          augment(batch, new Random(seed));
          for (let row = 0; row < size; row++) {
            const target = batch.targets.subarray(row * classes, (row + 1) * classes);
            expect(target.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
            expect(target.every((v) => v >= 0 && v <= 1)).toBe(true);
          }
          expect(batch.pixels.every((v) => v >= 0 && v <= 255)).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('leaves the rows before `from` whole and out of the others', () => {
    const batch = noiseBatch(6, [4, 4, 1], 6, 1);
    batch.targets.forEach((_, i) => (batch.targets[i] = i % 7 === 0 ? 1 : 0));
    const before = copyOf(batch);
    const augment = augmentation([{ name, from: 2 } as AugmentationStep], [4, 4, 1]);
    for (let seed = 0; seed < 20; seed++) {
      augment(batch, new Random(seed));
      expect(batch.pixels.subarray(0, 32)).toEqual(before.pixels.subarray(0, 32));
      expect(batch.targets.subarray(0, 12)).toEqual(before.targets.subarray(0, 12));
      for (let row = 2; row < 6; row++)
        expect([...batch.targets.subarray(6 * row, 6 * row + 2)]).toEqual([0, 0]);
    }
    expect(batch.targets).not.toEqual(before.targets);
  });

  it('draws one λ for a batch, or one for each image', () => {
    const values = (lambda: 'batch' | 'image'): number => {
      const batch = noiseBatch(16, [16, 16, 1], 16, 1);
      batch.targets.forEach((_, i) => (batch.targets[i] = i % 17 === 0 ? 1 : 0));
      augmentation([{ name, lambda } as AugmentationStep], [16, 16, 1])(batch, new Random(4));
      const own = Array.from({ length: 16 }, (_, row) => batch.targets[17 * row]!);
      // an image that met itself has 1
      return new Set(own.filter((v) => v !== 1)).size;
    };
    expect(values('batch')).toBe(1);
    expect(values('image')).toBeGreaterThan(8);
  });

  it('mixes a batch with the probability that it is given', () => {
    const before = noiseBatch(4, [4, 4, 1], 4, 1);
    const augment = augmentation([{ name, probability: 0.25 } as AugmentationStep], [4, 4, 1]);
    const random = new Random(5);
    let mixed = 0;
    for (let i = 0; i < 400; i++) {
      let drawn = 0;
      const counting = Object.assign(new Random(0), {
        uniform: () => random.uniform(),
        integer: (n: number) => (drawn++, random.integer(n)),
      });
      augment(copyOf(before), counting);
      if (drawn > 0) mixed++;
    }
    expect(Math.abs(mixed - 100)).toBeLessThan(4 * Math.sqrt(400 * 0.25 * 0.75));
  });

  it('leaves a batch of one as it is, and grows with the batch', () => {
    const augment = augmentation([name], [4, 4, 1]);
    const one = noiseBatch(1, [4, 4, 1], 3, 1);
    const before = copyOf(one);
    augment(one, new Random(1));
    expect(one).toEqual(before);
    const many = noiseBatch(9, [4, 4, 1], 3, 1);
    const fresh = copyOf(many);
    augment(many, new Random(2));
    augmentation([name], [4, 4, 1])(fresh, new Random(2));
    expect(many).toEqual(fresh);
  });

  it.each([
    { alpha: 0 },
    { alpha: NaN },
    { probability: 2 },
    { from: -1 },
    { from: 0.5 },
    { lambda: 'pixel' },
  ])('refuses %j', (options) => {
    expect(() => augmentation([{ name, ...options } as unknown as 'mixup'], [8, 8, 3])).toThrow(
      new RegExp(`${name}: .*got`),
    );
  });
});
