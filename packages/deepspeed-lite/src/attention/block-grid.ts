import { ArgumentError } from '@ockham/core';
import type { Random } from '@ockham/core/random';
import type { GlobalBlocks } from './block-pattern.ts';

/** The present columns of each row of blocks, matrix after matrix, that the patterns fill. */
export class BlockGrid {
  readonly patterns: number;
  readonly blocks: number;
  /** Whether blocks above the diagonal are left out. */
  readonly lower: boolean;
  readonly #rows: readonly Set<number>[];

  constructor(patterns: number, blocks: number, lower: boolean) {
    [this.patterns, this.blocks, this.lower] = [patterns, blocks, lower];
    this.#rows = Array.from({ length: patterns * blocks }, () => new Set<number>());
  }

  /** Present columns, ascending. */
  rows(): number[][] {
    return this.#rows.map((row) => [...row].sort((a, b) => a - b));
  }

  /** Rows and columns [first, end), clipped to the matrix. */
  fill(pattern: number, rows: Range, columns: Range): void {
    const { blocks, lower } = this;
    for (let row = Math.max(0, rows[0]); row < Math.min(blocks, rows[1]); row++) {
      const own = this.#rows[pattern * blocks + row]!;
      const end = Math.min(columns[1], lower ? row + 1 : blocks);
      for (let column = Math.max(0, columns[0]); column < end; column++) own.add(column);
    }
  }

  /** Blocks that are seen by all, and if `horizontal` see all. */
  fillGlobal(pattern: number, range: Range, horizontal: boolean): void {
    const all: Range = [0, this.blocks];
    this.fill(pattern, all, range);
    if (horizontal) this.fill(pattern, range, all);
  }

  /** A window of `width` blocks around the diagonal. */
  slide(pattern: number, width: number): void {
    const reach = (width - 1) / 2;
    for (let row = 0; row < this.blocks; row++)
      this.fill(pattern, [row, row + 1], [row - reach, row + reach + 1]);
  }

  /** To each row `count` blocks that it lacks, or as many as it does. */
  addRandom(pattern: number, count: number, random: Random): void {
    for (let row = 0; row < this.blocks; row++) {
      const own = this.#rows[pattern * this.blocks + row]!;
      const columns = this.lower ? row + 1 : this.blocks;
      const wanted = own.size + Math.min(count, columns - own.size);
      if (2 * wanted < columns) {
        while (own.size < wanted) own.add(random.integer(columns));
        continue;
      }
      const missing = Array.from({ length: columns }, (_, column) => column).filter(
        (column) => !own.has(column),
      );
      for (const i of random.sample(missing.length, wanted - own.size)) own.add(missing[i]!);
    }
  }
}

/** From the first to before the end. */
export type Range = readonly [first: number, end: number];

/** @throws ArgumentError where one is not within the matrix. */
export function globalRanges(kind: string, blocks: number, global: readonly GlobalBlocks[]): Range[] {
  return global.map((entry) => {
    const [first, end] = typeof entry === 'number' ? [entry, entry + 1] : entry;
    if (Number.isInteger(first) && Number.isInteger(end) && 0 <= first && first < end && end <= blocks)
      return [first, end];
    throw new ArgumentError(
      `blockLayout: global blocks of a ${kind} pattern must be an index or a range [first, end) within [0, ${blocks}), got ${JSON.stringify(entry)}. The length has ${blocks} blocks.`,
    );
  });
}

/** @throws ArgumentError where a number of a pattern is not a whole one in [least, most]. */
export function checkCount(
  kind: string,
  name: string,
  value: number,
  least: number,
  most: number = Infinity,
): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const rule = most === Infinity ? `≥ ${least}` : `in [${least}, ${most}]`;
  throw new ArgumentError(
    `blockLayout: ${name} of a ${kind} pattern must be an integer ${rule}, got ${value}.`,
  );
}

/** @throws ArgumentError where a sliding window has no middle. */
export function checkWindow(kind: string, window: number): void {
  checkCount(kind, 'window', window, 1);
  if (window % 2 === 0)
    throw new ArgumentError(
      `blockLayout: window of a ${kind} pattern must be odd, as many blocks on either side, got ${window}. Take ${window + 1}.`,
    );
}
