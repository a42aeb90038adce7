import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError } from '@ockham/core';
import {
  blockLayout,
  layoutDensity,
  layoutText,
  type BlockPattern,
  type LayoutSizes,
} from '../../src/attention/index.ts';

/** The lines of a layout of blocks of 4. */
const drawn = (pattern: BlockPattern, blocks: number, heads = 1): string[] =>
  layoutText(blockLayout({ block: 4, ...pattern }, { length: 4 * blocks, heads })).split('\n');

describe('a layout as text', () => {
  it('shows every block of a dense one, and half of a unidirectional one', () => {
    expect(drawn({ kind: 'dense' }, 3)).toEqual(['###', '###', '###']);
    expect(drawn({ kind: 'dense', attention: 'unidirectional' }, 3)).toEqual(['#..', '##.', '###']);
  });

  it('shows windows and the last block of each, seen by all, of a fixed one', () => {
    expect(drawn({ kind: 'fixed', local: 2 }, 6)).toEqual([
      '##.#.#',
      '##.#.#',
      '.###.#',
      '.###.#',
      '.#.###',
      '.#.###',
    ]);
  });

  it('lets the global blocks of a fixed one see all if they are horizontal', () => {
    expect(drawn({ kind: 'fixed', local: 2, horizontal: true }, 4)).toEqual(['##.#', '####', '.###', '####']);
  });

  it('shows earlier windows only through their global block in a unidirectional fixed one', () => {
    expect(drawn({ kind: 'fixed', local: 3, attention: 'unidirectional' }, 7)).toEqual([
      '#......',
      '##.....',
      '###....',
      '..##...',
      '..###..',
      '..####.',
      '..#..##',
    ]);
  });

  it('has other global blocks for each head where a fixed one has several patterns', () => {
    expect(drawn({ kind: 'fixed', local: 2, patterns: 2 }, 4, 2)).toEqual([
      'head 0',
      '##.#',
      '##.#',
      '.###',
      '.###',
      '',
      'head 1',
      '###.',
      '###.',
      '#.##',
      '#.##',
    ]);
  });

  it('repeats the last window of a variable one', () => {
    expect(drawn({ kind: 'variable', windows: [1, 2], global: [] }, 6)).toEqual([
      '#.....',
      '.##...',
      '.##...',
      '...##.',
      '...##.',
      '.....#',
    ]);
  });

  it('shows ranges of global blocks, seen by all', () => {
    expect(drawn({ kind: 'variable', windows: [1], global: [[1, 3]] }, 4)).toEqual([
      '###.',
      '.##.',
      '.##.',
      '.###',
    ]);
  });

  it('shows a sliding window and the first block both ways of a longformer one', () => {
    expect(drawn({ kind: 'longformer' }, 5)).toEqual(['#####', '###..', '####.', '#.###', '#..##']);
  });

  it('adds as many random blocks as asked for to each row of a big-bird one, and a window and global blocks', () => {
    const plain = drawn({ kind: 'big-bird', random: 0 }, 12);
    const rows = drawn({ kind: 'big-bird', random: 2, seed: 5 }, 12);
    expect(plain).toEqual(drawn({ kind: 'longformer' }, 12));
    for (const [i, row] of rows.entries()) {
      for (let j = 0; j < 12; j++) if (plain[i]![j] === '#') expect(row[j]).toBe('#');
      const count = (line: string) => line.split('#').length - 1;
      expect(count(row)).toBe(Math.min(12, count(plain[i]!) + 2));
    }
  });

  it('is the same for the same seed, another for another, and one for each head if asked for', () => {
    const of = (seed: number, perHead = false) =>
      drawn({ kind: 'big-bird', seed, perHead }, 16, 2).join('\n');
    expect(of(1)).toBe(of(1));
    expect(of(1)).not.toBe(of(2));
    const [first, second] = of(1, true).split('\n\n');
    expect(first!.replace('head 0\n', '')).toBe(of(1));
    expect(second!.replace('head 1\n', '')).not.toBe(of(1));
  });

  it('gives back a custom matrix, and takes what it printed', () => {
    const matrix = ['#..', '.#.', '#.#'];
    expect(drawn({ kind: 'custom', matrix }, 3)).toEqual(matrix);
    expect(drawn({ kind: 'custom', matrix: [[1, 0, 0], [0, 1, 0], [1, 0, 1]] }, 3)).toEqual(matrix); // prettier-ignore
    const other = drawn({ kind: 'big-bird', seed: 3 }, 3);
    expect(drawn({ kind: 'custom', matrices: [matrix, other] }, 3, 2)).toEqual([
      'head 0',
      ...matrix,
      '',
      'head 1',
      ...other,
    ]);
  });
});

const patterns = fc.oneof(
  fc.record({ kind: fc.constant('dense' as const) }),
  fc
    .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }), fc.nat(9))
    .map(([global, times, p]) => ({ kind: 'fixed' as const, local: global * times, global, patterns: 1 + (p % times) })), // prettier-ignore
  fc.record({
    kind: fc.constant('variable' as const),
    windows: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
    global: fc.constantFrom([], [0]),
    random: fc.nat(3),
    horizontal: fc.boolean(),
    perHead: fc.boolean(),
    seed: fc.nat(99),
  }),
  fc.record({
    kind: fc.constant('big-bird' as const),
    window: fc.constantFrom(1, 3, 5),
    global: fc.nat(1),
    random: fc.nat(3),
    perHead: fc.boolean(),
    seed: fc.nat(99),
  }),
  fc.record({ kind: fc.constant('longformer' as const), window: fc.constantFrom(1, 3, 5) }),
);

it('every layout has ascending columns within it, its diagonal, and none above that if unidirectional', () => {
  fc.assert(
    fc.property(
      patterns,
      fc.integer({ min: 1, max: 60 }),
      fc.constantFrom(1, 4, 7),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      (pattern, length, block, heads, one) => {
        const attention = one ? 'unidirectional' : 'bidirectional';
        const layout = blockLayout({ ...pattern, block, attention }, { length, heads });
        const { starts, columns, blocks, patterns: matrices } = layout;
        expect(blocks).toBe(Math.ceil(length / block));
        expect([1, heads]).toContain(matrices);
        expect(starts.length).toBe(matrices * blocks + 1);
        expect(starts.at(-1)).toBe(columns.length);
        expect(layout.causal).toBe(one);
        for (let row = 0; row < matrices * blocks; row++) {
          const own = [...columns.subarray(starts[row], starts[row + 1])];
          expect(own).toEqual([...new Set(own)].sort((a, b) => a - b));
          expect(own).toContain(row % blocks);
          expect(Math.max(...own)).toBeLessThan(one ? (row % blocks) + 1 : blocks);
        }
        expect(layoutDensity(layout)).toBeCloseTo(columns.length / (matrices * blocks ** 2), 12);
      },
    ),
    { numRuns: 300, seed: 5 },
  );
});

const bad: [string, BlockPattern, LayoutSizes][] = [
  ['length must be an integer ≥ 1, got 0', { kind: 'dense' }, { length: 0 }],
  ['heads must be an integer ≥ 1, got 1.5', { kind: 'dense' }, { length: 8, heads: 1.5 }],
  [
    'block of a dense pattern must be an integer in [1, 1024], got 0',
    { kind: 'dense', block: 0 },
    { length: 8 },
  ],
  ['local of a fixed pattern must be an integer ≥ 1, got 0', { kind: 'fixed', local: 0 }, { length: 8 }],
  ['global of a fixed pattern must divide local = 4, got 3', { kind: 'fixed', global: 3 }, { length: 8 }],
  ['patterns of a fixed pattern must be an integer in [1, 2], got 3', { kind: 'fixed', global: 2, patterns: 3 }, { length: 8 }], // prettier-ignore
  [
    'windows of a variable pattern must have at least one size',
    { kind: 'variable', windows: [] },
    { length: 8 },
  ],
  ['windows of a variable pattern must be an integer ≥ 1, got -1', { kind: 'variable', windows: [-1] }, { length: 8 }], // prettier-ignore
  ['within [0, 2), got 2', { kind: 'variable', block: 4, global: [2] }, { length: 8 }],
  ['within [0, 2), got [1,1]', { kind: 'longformer', block: 4, global: [[1, 1]] }, { length: 8 }],
  ['window of a longformer pattern must be odd', { kind: 'longformer', window: 2 }, { length: 8 }],
  ['window of a big-bird pattern must be odd', { kind: 'big-bird', window: 4 }, { length: 8 }],
  ['global of a big-bird pattern must be an integer in [0, 1], got 2', { kind: 'big-bird', global: 2 }, { length: 8 }], // prettier-ignore
  [
    'random of a big-bird pattern must be an integer ≥ 0, got -1',
    { kind: 'big-bird', random: -1 },
    { length: 8 },
  ],
  ['the seed must be a safe integer, got 0.5', { kind: 'big-bird', seed: 0.5 }, { length: 64 }],
  ['must have either matrix, one for all heads, or matrices', { kind: 'custom' }, { length: 8 }],
  [
    'a row for each of the 2 blocks of the length, got 1',
    { kind: 'custom', block: 4, matrix: ['#'] },
    { length: 8 },
  ],
  ['row 1 of a custom matrix must have 2 blocks, got 3', { kind: 'custom', block: 4, matrix: ['##', '###'] }, { length: 8 }], // prettier-ignore
  ['0 and 1, or . and #, got x in row 1, column 0', { kind: 'custom', block: 4, matrix: ['##', 'x#'] }, { length: 8 }], // prettier-ignore
  ['no block above the diagonal, got one in row 0, column 1', { kind: 'custom', block: 4, matrix: ['##', '##'], attention: 'unidirectional' }, { length: 8 }], // prettier-ignore
  [
    'a matrix for each of the 3 heads, got 1',
    { kind: 'custom', block: 8, matrices: [['#']] },
    { length: 8, heads: 3 },
  ],
  ['attention must be bidirectional or unidirectional, got both', { kind: 'dense', attention: 'both' as never }, { length: 8 }], // prettier-ignore
  ['kind must be one of dense, fixed, variable', { kind: 'sparse' as 'dense' }, { length: 8 }],
];

it.each(bad)('a bad layout is refused: %s', (message, pattern, sizes) => {
  expect(() => blockLayout(pattern, sizes)).toThrow(ArgumentError);
  expect(() => blockLayout(pattern, sizes)).toThrow(message);
});
