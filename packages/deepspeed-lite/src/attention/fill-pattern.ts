/**
 * The blocks of each pattern.
 *
 * Sources: Child, Gray, Radford and Sutskever 2019, "Generating long sequences with sparse transformers"; Zaheer et al. 2020, "Big
 * Bird"; Beltagy, Peters and Cohan 2020, "Longformer"; the block versions and their defaults are DeepSpeed's.
 * Deviations: random blocks are drawn among those that a row lacks, so that a row has as many as asked for; a layout need not end
 * with a whole block.
 */
import { ArgumentError } from '@ockham/core';
import { Random } from '@ockham/core/random';
import { checkCount, checkWindow, globalRanges, type BlockGrid } from './block-grid.ts';
import type {
  BigBirdPattern,
  BlockMatrix,
  CustomPattern,
  FixedPattern,
  LongformerPattern,
  VariablePattern,
} from './block-pattern.ts';

/** Local windows and what they show to all. */
export function fillFixed(
  grid: BlockGrid,
  { local = 4, global = 1, horizontal = false, patterns = 1 }: FixedPattern,
): void {
  const { blocks } = grid;
  for (let head = 0; head < grid.patterns; head++) {
    for (let first = 0; first < blocks; first += local) {
      grid.fill(head, [first, first + local], [first, first + local]);
      const shown = first + local - (1 + (head % patterns)) * global;
      // a window that is cut off shows its first blocks, or the matrix's last
      const from = first + local > blocks ? Math.max(0, Math.min(first, blocks - global)) : shown;
      grid.fillGlobal(head, [from, from + global], horizontal);
    }
  }
}

/** @throws ArgumentError */
export function checkFixed({ local = 4, global = 1, patterns = 1 }: FixedPattern): void {
  checkCount('fixed', 'local', local, 1);
  checkCount('fixed', 'global', global, 1, local);
  if (local % global !== 0)
    throw new ArgumentError(
      `blockLayout: global of a fixed pattern must divide local = ${local}, got ${global}.`,
    );
  checkCount('fixed', 'patterns', patterns, 1, local / global);
}

/** Windows one after the other, the last size again and again. */
export function fillVariable(
  grid: BlockGrid,
  { random = 0, windows = [4], global = [0], horizontal = false, seed = 0 }: VariablePattern,
): void {
  checkCount('variable', 'random', random, 0);
  if (windows.length === 0)
    throw new ArgumentError(
      'blockLayout: windows of a variable pattern must have at least one size, got none.',
    );
  for (const window of windows) checkCount('variable', 'windows', window, 1);
  const ranges = globalRanges('variable', grid.blocks, global);
  for (let head = 0; head < grid.patterns; head++) {
    for (let first = 0, i = 0; first < grid.blocks; i++) {
      const size = windows[Math.min(i, windows.length - 1)]!;
      grid.fill(head, [first, first + size], [first, first + size]);
      first += size;
    }
    for (const range of ranges) grid.fillGlobal(head, range, horizontal);
    grid.addRandom(head, random, new Random(seed).stream('variable').stream(head));
  }
}

/** Window, global blocks, random blocks. */
export function fillBigBird(
  grid: BlockGrid,
  { random = 1, window = 3, global = 1, seed = 0 }: BigBirdPattern,
): void {
  checkCount('big-bird', 'random', random, 0);
  checkWindow('big-bird', window);
  checkCount('big-bird', 'global', global, 0, grid.blocks);
  for (let head = 0; head < grid.patterns; head++) {
    grid.slide(head, window);
    grid.fillGlobal(head, [0, global], true);
    grid.addRandom(head, random, new Random(seed).stream('big-bird').stream(head));
  }
}

/** Window and global blocks. */
export function fillLongformer(grid: BlockGrid, { window = 3, global = [0] }: LongformerPattern): void {
  checkWindow('longformer', window);
  const ranges = globalRanges('longformer', grid.blocks, global);
  for (let head = 0; head < grid.patterns; head++) {
    grid.slide(head, window);
    for (const range of ranges) grid.fillGlobal(head, range, true);
  }
}

/** A user's own. */
export function fillCustom(grid: BlockGrid, pattern: CustomPattern): void {
  const { blocks } = grid;
  for (const [head, matrix] of customMatrices(pattern).entries()) {
    if (matrix.length !== blocks)
      throw new ArgumentError(
        `blockLayout: a custom matrix must have a row for each of the ${blocks} blocks of the length, got ${matrix.length}.`,
      );
    for (const [row, cells] of matrix.entries()) {
      if (cells.length !== blocks)
        throw new ArgumentError(
          `blockLayout: row ${row} of a custom matrix must have ${blocks} blocks, got ${cells.length}.`,
        );
      for (const [column, cell] of Array.from<string | number>(cells).entries()) {
        const present = cell === 1 || cell === '#';
        if (!present && cell !== 0 && cell !== '.')
          throw new ArgumentError(
            `blockLayout: a custom matrix must have 0 and 1, or . and #, got ${cell} in row ${row}, column ${column}.`,
          );
        if (present && grid.lower && column > row)
          throw new ArgumentError(
            `blockLayout: a unidirectional custom matrix must have no block above the diagonal, got one in row ${row}, column ${column}. Leave it out, or let the pattern be bidirectional.`,
          );
        if (present) grid.fill(head, [row, row + 1], [column, column + 1]);
      }
    }
  }
}

/** @throws ArgumentError unless it has exactly one of the two. */
export function customMatrices({ matrix, matrices }: CustomPattern): readonly BlockMatrix[] {
  if (matrix && !matrices) return [matrix];
  if (matrices && !matrix && matrices.length > 0) return matrices;
  throw new ArgumentError(
    'blockLayout: a custom pattern must have either matrix, one for all heads, or matrices, one for each.',
  );
}
