import { csvParseRows } from 'd3-dsv';
import { DataError } from '../errors.ts';
import { targetsOf } from './npz-data.node.ts';
import type { SplitPair } from './open-data.node.ts';

/**
 * A split from a table of numbers: one example a row, the target in the last column; whole numbers there are class indexes. A
 * first row that is no numbers is a header.
 *
 * @throws DataError `corrupt-file` naming the row that does not fit.
 */
export function csvData(text: string, who: string, scale = 1): SplitPair {
  const rows = csvParseRows(text).filter((row) => row.some((cell) => cell.trim() !== ''));
  const hasHeader = rows[0]?.some((cell) => !isNumber(cell)) ?? false;
  const body = hasHeader ? rows.slice(1) : rows;
  const columns = body[0]?.length ?? 0;
  if (columns < 2)
    throw new DataError(
      'corrupt-file',
      `${who}: a row must hold at least one input and the target, got ${body.length} rows of ${columns}.`,
    );
  const odd = body.findIndex((row) => row.length !== columns || !row.every(isNumber));
  if (odd >= 0)
    throw new DataError(
      'corrupt-file',
      `${who}: every row must hold ${columns} numbers, row ${odd + (hasHeader ? 2 : 1)} has '${body[odd]!.join(',').slice(0, 60)}'. Correct it, or leave it out.`,
    );
  const inputs = columns - 1;
  const x = new Float32Array(body.length * inputs);
  for (const [i, row] of body.entries()) x.set(row.slice(0, inputs).map(Number), i * inputs);
  const targets = { values: Float32Array.from(body, (row) => Number(row[inputs])), shape: [] };
  const train = {
    size: body.length,
    x: { values: x, shape: [inputs], ...(scale !== 1 && { scale }) },
    y: targetsOf(targets, body.length),
  };
  return { train };
}

function isNumber(cell: string): boolean {
  return cell.trim() !== '' && Number.isFinite(Number(cell));
}
