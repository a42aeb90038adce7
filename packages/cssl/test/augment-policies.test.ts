import { describe, expect, it } from 'vitest';
import { Random } from '@ockham/core/random';
import { augmentation, cifar10Policy } from '@ockham/cssl';
import { operationNames, operations, type OperationName } from '../src/augment/operations.ts';
import { apart, arrays, cases, pictures } from './augment-reference.ts';
import { batchOf, copyOf, noiseBatch } from './image-batches.ts';
import { ScriptedRandom } from './scripted-random.ts';

const small = pictures.get('image/small')!;

describe('a level', () => {
  const tables = [...arrays]
    .filter(([name]) => name.startsWith('magnitudes/'))
    .map(([name, { values }]) => [...name.split('/').slice(1), [...values].map(Number)]);

  it.each(tables as [OperationName, string, number[]][])(
    'means what it does in torchvision: %s, one of %s',
    (name, levels, table) => {
      const highest = Number(levels) - 1;
      expect(operations[name].signed).toBe(table.at(-1) === 1);
      for (let level = 0; level <= highest; level++) {
        expect(operations[name].magnitude(level / highest, [40, 32, 3])).toBeCloseTo(table[level]!, 4);
      }
    },
  );
});

describe('autoaugment', () => {
  it('has the 25 sub-policies of CIFAR-10', () => {
    const names: OperationName[] = [
      'identity', 'shear-x', 'shear-y', 'translate-x', 'translate-y', 'rotate', 'auto-contrast', 'invert', 'equalize',
      'solarize', 'posterize', 'contrast', 'color', 'brightness', 'sharpness',
    ]; // prettier-ignore
    const { shape, values } = arrays.get('policy')!;
    expect(shape).toEqual([25, 2, 3]);
    expect(cifar10Policy.flat(2).map((v) => (typeof v === 'string' ? names.indexOf(v) : v))).toEqual([
      ...values,
    ]);
  });

  it.each(cases('autoaugment'))(
    'equals torchvision to the grey level: sub-policy and sign $title',
    ({ numbers: [index, sign], expected }) => {
      const batch = batchOf(small);
      // each operation: applied where its probability is above 0; negated where the second draw is below a half
      const random = new ScriptedRandom([index!, 0, sign!, 0, sign!]);
      augmentation(['autoaugment'], small.shape)(batch, random);
      expect(apart(batch.pixels, expected)).toBe(0);
      expect(random.left).toBe(0);
    },
  );

  it('leaves an image as it is, fractions included, when no operation is drawn', () => {
    const batch = batchOf(small);
    batch.pixels[5] = 17.25;
    const before = batch.pixels.slice();
    augmentation(['autoaugment'], small.shape)(batch, new ScriptedRandom([0, 0.99, 0, 0.99, 0]));
    expect(batch.pixels).toEqual(before);
  });

  it('rounds blends of images to the nearest level, and cuts what lies outside 0 to 255', () => {
    const pixels = Float32Array.of(-3, 0.4, 0.6, 254.6, 300, 99.49);
    const batch = { shape: [2, 3, 1] as const, size: 1, pixels, classes: 1, targets: Float32Array.of(1) };
    augmentation([{ name: 'autoaugment', policy: [[['invert', 1, 0]]] }], [2, 3, 1])(batch, new Random(1));
    expect([...pixels]).toEqual([255, 255, 254, 0, 0, 156]);
  });

  it('takes a policy of its own, with fill and interpolation', () => {
    const policy = [[['translate-x', 1, 9]]] as const;
    const batch = noiseBatch(1, [4, 8, 1], 1, 3);
    const before = batch.pixels.slice();
    augmentation([{ name: 'autoaugment', policy, fill: 77, interpolation: 'bilinear' }], [4, 8, 1])(
      batch,
      new ScriptedRandom([0, 0, 1]),
    );
    // 150/331 of 8 columns, cut to 3
    for (let y = 0; y < 4; y++) {
      expect([...batch.pixels.subarray(8 * y, 8 * y + 8)]).toEqual([
        77,
        77,
        77,
        ...before.subarray(8 * y, 8 * y + 5),
      ]);
    }
  });

  it('cuts a square out at a drawn place', () => {
    const policy = [[['cutout', 1, 9]]] as const;
    const batch = noiseBatch(1, [11, 11, 3], 1, 3);
    batch.pixels.fill(50);
    augmentation([{ name: 'autoaugment', policy, fill: 9 }], [11, 11, 3])(
      batch,
      new ScriptedRandom([0, 0, 0, 5, 10]),
    );
    // 60/331 of 11 is 2: rows 4 and 5, columns 9 and 10
    const filled = [...batch.pixels].flatMap((v, i) => (v === 9 ? [i] : []));
    expect(filled).toEqual(
      [4, 5].flatMap((y) => [9, 10].flatMap((x) => [0, 1, 2].map((c) => 33 * y + 3 * x + c))),
    );
  });

  it.each([
    [{ policy: [] }, /policy must hold a sub-policy/],
    [{ policy: [[['twirl', 0.5, 3]]] }, /must be one of identity, shear-x.*got twirl/],
    [{ policy: [[['rotate', 1.5, 3]]] }, /probability of rotate must be a number in \[0, 1\], got 1.5/],
    [{ policy: [[['rotate', 0.5, 10]]] }, /level of rotate must be a number in \[0, 9\], got 10/],
    [{ fill: 256 }, /fill must be an integer in \[0, 255\], got 256/],
    [{ interpolation: 'cubic' }, /interpolation must be nearest or bilinear, got cubic/],
  ])('refuses %j', (options, message) => {
    expect(() =>
      augmentation([{ name: 'autoaugment', ...options } as unknown as 'autoaugment'], [8, 8, 3]),
    ).toThrow(message);
  });
});

describe('randaugment', () => {
  const drawn = operationNames.filter((name) => name !== 'invert' && name !== 'cutout');

  it('draws from the 14 operations of the paper', () => {
    expect(drawn).toHaveLength(14);
  });

  it.each(cases('randaugment'))(
    'equals torchvision to the grey level: $title',
    ({ parts: [names], numbers: [, magnitude, sign], expected }) => {
      const batch = batchOf(small);
      // torchvision negates where it draws 1
      const draws = names!
        .split('+')
        .flatMap((name) => [drawn.findIndex((other) => other === name), 1 - sign!]);
      augmentation([{ name: 'randaugment', magnitude: magnitude! }], small.shape)(
        batch,
        new ScriptedRandom(draws),
      );
      expect(apart(batch.pixels, expected)).toBe(0);
    },
  );

  it('does nothing with no operations', () => {
    const batch = noiseBatch(3, [6, 6, 1], 2, 1);
    const before = copyOf(batch);
    augmentation([{ name: 'randaugment', count: 0 }], [6, 6, 1])(batch, new Random(1));
    expect(batch).toEqual(before);
  });

  it.each([{ count: 1.5 }, { count: -1 }, { magnitude: 31 }, { magnitude: NaN }])('refuses %j', (options) => {
    expect(() => augmentation([{ name: 'randaugment', ...options }], [8, 8, 3])).toThrow(
      /randaugment: .* got/,
    );
  });
});
