import { ArgumentError } from '@ockham/core';
import { blockRowsOf, type BlockRows } from '@ockham/core/kernels';
import { BlockGrid, checkCount } from './block-grid.ts';
import { DEFAULT_BLOCK, type BlockPattern } from './block-pattern.ts';
import {
  checkFixed,
  customMatrices,
  fillBigBird,
  fillCustom,
  fillFixed,
  fillLongformer,
  fillVariable,
} from './fill-pattern.ts';

/** Which blocks of keys each block of queries sees. */
export interface BlockLayout extends BlockRows {
  readonly kind: BlockPattern['kind'];
  /** Tokens. */
  readonly length: number;
  readonly heads: number;
  /** Whether no query sees a later key, within the blocks on the diagonal too. */
  readonly causal: boolean;
}

/** What a pattern is laid out for. */
export interface LayoutSizes {
  /** Tokens, ≥ 1; the last block may be shorter than the others. */
  readonly length: number;
  /** Default 1. */
  readonly heads?: number;
}

/**
 * The present blocks of a pattern for sequences of a length: `matrices` of ⌈length ÷ block⌉ rows of blocks, one for all
 * heads or one for each.
 *
 * @throws ArgumentError for a pattern that is out of range or does not fit the length.
 *
 * @example
 * const layout = blockLayout({ kind: 'big-bird', block: 16, seed: 7 }, { length: 4096, heads: 4 });
 */
export function blockLayout(pattern: BlockPattern, { length, heads = 1 }: LayoutSizes): BlockLayout {
  const { kind, block = DEFAULT_BLOCK, attention = 'bidirectional' } = pattern;
  for (const [name, value] of Object.entries({ length, heads })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new ArgumentError(`blockLayout: ${name} must be an integer ≥ 1, got ${value}.`);
  }
  checkCount(kind, 'block', block, 1, 1024);
  if (attention !== 'bidirectional' && attention !== 'unidirectional')
    throw new ArgumentError(
      `blockLayout: attention must be bidirectional or unidirectional, got ${String(attention)}.`,
    );
  const blocks = Math.ceil(length / block);
  const causal = attention === 'unidirectional';
  const grid = new BlockGrid(matricesOf(pattern, heads), blocks, causal);
  fill(grid, pattern);
  return { ...blockRowsOf(grid.flags, grid.patterns, blocks, block), kind, length, heads, causal };
}

/** Present blocks ÷ all blocks, of all heads. */
export function layoutDensity({ columns, patterns, blocks }: BlockRows): number {
  return columns.length / (patterns * blocks * blocks);
}

function matricesOf(pattern: BlockPattern, heads: number): number {
  switch (pattern.kind) {
    case 'fixed':
      checkFixed(pattern);
      return (pattern.patterns ?? 1) > 1 ? heads : 1;
    case 'variable':
    case 'big-bird':
      return pattern.perHead === true ? heads : 1;
    case 'custom': {
      const { length } = customMatrices(pattern);
      if (pattern.matrices && length !== heads)
        throw new ArgumentError(
          `blockLayout: a custom pattern must have a matrix for each of the ${heads} heads, got ${length}. Give one as matrix for all.`,
        );
      return length;
    }
    default:
      return 1;
  }
}

function fill(grid: BlockGrid, pattern: BlockPattern): void {
  switch (pattern.kind) {
    case 'dense':
      return grid.fill(0, [0, grid.blocks], [0, grid.blocks]);
    case 'fixed':
      return fillFixed(grid, pattern);
    case 'variable':
      return fillVariable(grid, pattern);
    case 'big-bird':
      return fillBigBird(grid, pattern);
    case 'longformer':
      return fillLongformer(grid, pattern);
    case 'custom':
      return fillCustom(grid, pattern);
    default:
      throw new ArgumentError(
        `blockLayout: kind must be dense, fixed, variable, big-bird, longformer or custom, got ${String((pattern as BlockPattern).kind)}.`,
      );
  }
}
