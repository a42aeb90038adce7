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

const KINDS: readonly BlockPattern['kind'][] = [
  'dense',
  'fixed',
  'variable',
  'big-bird',
  'longformer',
  'custom',
];

/** Which blocks of keys each block of queries sees. */
export interface BlockLayout extends BlockRows {
  /** Which pattern it was made from. */
  readonly kind: BlockPattern['kind'];
  /** Tokens. */
  readonly length: number;
  /** Attention heads. */
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
  if (!KINDS.includes(kind))
    throw new ArgumentError(`blockLayout: kind must be one of ${KINDS.join(', ')}, got ${kind}.`);
  for (const [name, value] of Object.entries({ length, heads })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new ArgumentError(`blockLayout: ${name} must be an integer ≥ 1, got ${value}.`);
  }
  checkCount(kind, 'block', block, 1, 1024);
  if (attention !== 'bidirectional' && attention !== 'unidirectional')
    throw new ArgumentError(
      `blockLayout: attention must be bidirectional or unidirectional, got ${attention as string}.`,
    );
  const blocks = Math.ceil(length / block);
  const causal = attention === 'unidirectional';
  const grid = new BlockGrid(matricesOf(pattern, heads), blocks, causal);
  fill(grid, pattern);
  return { ...blockRowsOf(grid.rows(), blocks, block), kind, length, heads, causal };
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
  const { kind } = pattern;
  if (kind === 'dense') grid.fill(0, [0, grid.blocks], [0, grid.blocks]);
  else if (kind === 'fixed') fillFixed(grid, pattern);
  else if (kind === 'variable') fillVariable(grid, pattern);
  else if (kind === 'big-bird') fillBigBird(grid, pattern);
  else if (kind === 'longformer') fillLongformer(grid, pattern);
  else fillCustom(grid, pattern);
}
