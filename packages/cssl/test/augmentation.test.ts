import { describe, expect, it } from 'vitest';
import { Random } from '@ockham/core/random';
import {
  augmentation,
  type AugmentationName,
  type AugmentationSpec,
  type AugmentationStep,
} from '@ockham/cssl';
import type { ImageShape } from '../src/image.ts';
import { apart, cases, pictures } from './augment-reference.ts';
import { batchOf, copyOf, noiseBatch } from './image-batches.ts';
import { ScriptedRandom } from './scripted-random.ts';

const names: readonly AugmentationName[] = [
  'crop-flip',
  'mixup',
  'cutmix',
  'autoaugment',
  'randaugment',
  'cutout',
  'warp',
];
const colour = pictures.get('image/colour')!;

describe('crop-flip', () => {
  it.each(cases('crop-flip'))(
    'equals torchvision: padding, row, column, flip $title',
    ({ numbers: [padding, top, left, flip], expected }) => {
      const batch = batchOf(colour);
      const random = new ScriptedRandom([top!, left!, flip === 1 ? 0.4 : 0.6]);
      augmentation([{ name: 'crop-flip', padding: padding! }], colour.shape)(batch, random);
      expect(apart(batch.pixels, expected)).toBe(0);
    },
  );

  it('draws every shift and a flip as often as any other', () => {
    const augment = augmentation([{ name: 'crop-flip', padding: 1, fill: 7 }], [3, 3, 1]);
    const random = new Random(2);
    const seen = new Map<string, number>();
    const rounds = 3600;
    const start = batchOf({
      shape: [3, 3, 1],
      pixels: Uint8Array.from([10, 20, 30, 40, 50, 60, 70, 80, 90]),
    });
    for (let i = 0; i < rounds; i++) {
      const batch = copyOf(start);
      augment(batch, random);
      const key = batch.pixels.join(' ');
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    expect(seen.size).toBe(18);
    const expected = rounds / 18;
    for (const count of seen.values())
      expect(Math.abs(count - expected)).toBeLessThan(4.5 * Math.sqrt(expected));
  });

  it('changes nothing without padding and flips', () => {
    const batch = noiseBatch(4, [5, 7, 3], 2, 1);
    const before = copyOf(batch);
    augmentation([{ name: 'crop-flip', padding: 0, flip: 0 }], [5, 7, 3])(batch, new Random(1));
    expect(batch).toEqual(before);
  });

  it.each([{ padding: 9 }, { padding: -1 }, { padding: 0.5 }, { flip: 1.1 }, { fill: -1 }])(
    'refuses %j',
    (options) => {
      expect(() => augmentation([{ name: 'crop-flip', ...options }], [8, 8, 3])).toThrow(/crop-flip: .* got/);
    },
  );
});

describe('cutout', () => {
  it.each(cases('cutout'))(
    'equals an erased box: row, column, side $title',
    ({ numbers: [y, x, size], expected }) => {
      const batch = batchOf(colour);
      augmentation([{ name: 'cutout', size: size! }], colour.shape)(batch, new ScriptedRandom([y!, x!]));
      expect(apart(batch.pixels, expected)).toBe(0);
    },
  );

  it('cuts half a side by default', () => {
    const batch = batchOf({ shape: [32, 32, 1], pixels: new Uint8Array(1024).fill(9) });
    augmentation(['cutout'], [32, 32, 1])(batch, new ScriptedRandom([16, 16]));
    expect(batch.pixels.filter((v) => v === 0)).toHaveLength(256);
  });
});

describe('augmentation', () => {
  const specs: [string, AugmentationSpec][] = [
    ...names.map((name): [string, AugmentationSpec] => [name, [name]]),
    ['the paper’s', ['crop-flip', 'mixup', 'cutmix', 'autoaugment']],
    ['everything, each mixed', { steps: names, mixing: 'each' }],
  ];
  const shapes: ImageShape[] = [[28, 28, 1], [32, 32, 3], [5, 9, 3], [1, 1, 1]]; // prettier-ignore
  const small = { 'crop-flip': { name: 'crop-flip', padding: 1 } } as const;
  const fitted = (spec: AugmentationSpec): AugmentationSpec => {
    const fit = (steps: readonly AugmentationStep[]): AugmentationStep[] =>
      steps.map((step) => (step === 'crop-flip' ? small['crop-flip'] : step));
    return 'steps' in spec ? { ...spec, steps: fit(spec.steps) } : fit(spec);
  };

  describe.each(specs)('%s', (_, spec) => {
    it.each(shapes)(
      'gives the same bits for the same seed, other bits for another: %d × %d × %d',
      (...shape) => {
        const run = (seed: number): ReturnType<typeof noiseBatch> => {
          const batch = noiseBatch(32, shape, 10, 1);
          const augment = augmentation(fitted(spec), shape);
          const random = new Random(seed);
          for (let i = 0; i < 3; i++) augment(batch, random);
          return batch;
        };
        const batch = run(7);
        expect(batch).toEqual(run(7));
        if (shape[0] > 1) expect(batch.pixels).not.toEqual(run(8).pixels);
      },
    );

    it('keeps pixels in range and targets summing to 1, batch after batch', () => {
      const augment = augmentation(spec, [32, 32, 3]);
      const random = new Random(3);
      for (let round = 0; round < 10; round++) {
        const batch = noiseBatch(8, [32, 32, 3], 5, round);
        augment(batch, random);
        expect(batch.pixels.every((v) => v >= 0 && v <= 255)).toBe(true);
        for (let row = 0; row < 8; row++) {
          expect(batch.targets.subarray(5 * row, 5 * row + 5).reduce((a, b) => a + b)).toBeCloseTo(1, 5);
        }
      }
    });

    it('keeps nothing of one batch for the next', () => {
      const used = augmentation(spec, [8, 8, 3]);
      used(noiseBatch(9, [8, 8, 3], 3, 5), new Random(1));
      const a = noiseBatch(4, [8, 8, 3], 3, 6);
      const b = copyOf(a);
      used(a, new Random(2));
      augmentation(spec, [8, 8, 3])(b, new Random(2));
      expect(a).toEqual(b);
    });
  });

  it('goes through the steps in the order given, functions of the user among them', () => {
    const seen: number[] = [];
    const note: AugmentationStep = ({ pixels }) => seen.push(pixels[0]!);
    const policy = [[['invert', 1, 0]]] as const;
    const batch = batchOf({ shape: [1, 1, 1], pixels: Uint8Array.of(200) });
    const invert = { name: 'autoaugment', policy } as const;
    augmentation([note, invert, note, { name: 'cutout', size: 2, fill: 3 }, note], [1, 1, 1])(
      batch,
      new Random(1),
    );
    expect(seen).toEqual([200, 55, 3]);
  });

  it('does nothing without steps', () => {
    const batch = noiseBatch(2, [3, 3, 1], 2, 1);
    const before = copyOf(batch);
    augmentation([], [3, 3, 1])(batch, new Random(1));
    expect(batch).toEqual(before);
  });

  it('uses Mixup on about half of the batches and CutMix on the others', () => {
    // level 0 or 200: a blend shows in between
    const augment = augmentation(['mixup', 'cutmix'], [6, 6, 1]);
    const random = new Random(6);
    let blends = 0;
    for (let i = 0; i < 400; i++) {
      const batch = noiseBatch(8, [6, 6, 1], 2, 1);
      batch.pixels.forEach((_, p) => (batch.pixels[p] = p % 72 < 36 ? 0 : 200));
      augment(batch, random);
      if (batch.pixels.some((v) => v !== 0 && v !== 200)) blends++;
    }
    expect(Math.abs(blends - 200)).toBeLessThan(4 * 10);
  });

  it('uses both on every batch when told so', () => {
    const spec = { steps: ['mixup', 'cutmix'], mixing: 'each' } as const;
    const both = noiseBatch(8, [6, 6, 1], 8, 1);
    const inTurn = copyOf(both);
    augmentation(spec, [6, 6, 1])(both, new Random(9));
    const random = new Random(9);
    augmentation(['mixup'], [6, 6, 1])(inTurn, random);
    augmentation(['cutmix'], [6, 6, 1])(inTurn, random);
    expect(both).toEqual(inTurn);
  });

  it('refuses an unknown name with the list of names', () => {
    expect(() => augmentation(['flip' as 'mixup'], [8, 8, 3])).toThrow(
      'augmentation: a step must be one of crop-flip, mixup, cutmix, autoaugment, randaugment, cutout, warp, got flip.',
    );
    expect(() => augmentation([{ name: 'toString' } as never], [8, 8, 3])).toThrow(/must be one of/);
  });

  it('refuses an unknown option with the list of options', () => {
    expect(() => augmentation([{ name: 'crop-flip', pad: 2 } as unknown as 'mixup'], [8, 8, 3])).toThrow(
      'augmentation: the options of crop-flip are padding, flip, fill, got pad.',
    );
    expect(() => augmentation({ steps: [], mixing: 'none' as 'one' }, [8, 8, 3])).toThrow(
      /one or each, got none/,
    );
  });

  it.each([[0, 8, 3], [8, 8, 2], [8.5, 8, 1], [8, 9000, 1]])('refuses images of %d × %d × %d', (...shape) => {
    expect(() => augmentation(['mixup'], shape as unknown as ImageShape)).toThrow(/sides of 1 to 8192 and 1 or 3/);
  }); // prettier-ignore

  it('refuses a batch of another shape or size before it changes anything', () => {
    const augment = augmentation(['mixup'], [8, 8, 3]);
    const refused = /a batch must hold size images of \[8, 8, 3\]/;
    expect(() => {
      augment(noiseBatch(2, [8, 8, 1], 2, 1), new Random(1));
    }).toThrow(refused);
    expect(() => {
      augment({ ...noiseBatch(2, [8, 8, 3], 2, 1), size: 3 }, new Random(1));
    }).toThrow(refused);
    expect(() => {
      augment({ ...noiseBatch(2, [8, 8, 3], 2, 1), classes: 3 }, new Random(1));
    }).toThrow(refused);
  });
});
