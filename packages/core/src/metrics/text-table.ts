/**
 * Rows as a text table: the first row is the head, the first `left` columns are aligned left, the others right.
 */
export function textTable(rows: readonly (readonly string[])[], left = 1): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (i < left ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd();
  const [head, ...body] = rows.map(line);
  if (head === undefined) return '';
  return [head, widths.map((width) => '-'.repeat(width)).join('  '), ...body].join('\n');
}
