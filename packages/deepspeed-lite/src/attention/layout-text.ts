import type { BlockLayout } from './block-layout.ts';

/**
 * A layout as text: a row of blocks to a line, `#` for a block and `.` for none; where heads differ, a matrix for each under the
 * head's number. The lines of a matrix are what a custom pattern takes.
 *
 * @example
 * layoutText(blockLayout({ kind: 'longformer', block: 4 }, { length: 16 }));
 * // ####
 * // ###.
 * // ####
 * // #.##
 */
export function layoutText({ patterns, blocks, starts, columns }: BlockLayout): string {
  const line = (row: number): string => {
    const present = new Set(columns.subarray(starts[row], starts[row + 1]));
    return Array.from({ length: blocks }, (_, column) => (present.has(column) ? '#' : '.')).join('');
  };
  const matrix = (head: number): string =>
    Array.from({ length: blocks }, (_, row) => line(head * blocks + row)).join('\n');
  if (patterns === 1) return matrix(0);
  return Array.from({ length: patterns }, (_, head) => `head ${head}\n${matrix(head)}`).join('\n\n');
}
