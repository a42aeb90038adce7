/** Tables of numbers as text: comma-separated, or parted by any other character or by blanks. */
import { ArgumentError, DataError } from '@ockham/core';
import { dsvFormat } from 'd3-dsv';
import type { DenseMatrix } from '../system.ts';

/** Options of {@link readCsv}. */
export interface CsvOptions {
  /** The column to predict: its name, or its place from 0; negative from the end. Default −1, the last. */
  readonly target?: string | number;
  /** Columns left out: names or places. Default none. */
  readonly drop?: readonly (string | number)[];
  /** Whether the first line names the columns. Default: whether it has a field that is no number. */
  readonly header?: boolean;
  /** `whitespace` for any run of blanks. Default a comma. */
  readonly delimiter?: string;
  /** What stands for a missing value. Default `?`, `NA` and nothing. */
  readonly missing?: readonly string[];
  /** What to do with a row that misses a value: leave it out, or refuse the file. Default `error`. */
  readonly onMissing?: 'drop' | 'error';
}

/** Samples, targets and names. */
export interface Table {
  /** `[n, d]`. */
  readonly A: DenseMatrix;
  /** `[n]`. */
  readonly b: Float64Array;
  /** `[d]`. */
  readonly columns: readonly string[];
}

/**
 * Reads a table of numbers.
 *
 * @throws DataError for a field that is no number, or a row of another length, with its line; ArgumentError for a column
 *   that is not there.
 *
 * @example
 * const { A, b } = readCsv('x,y\n1,2\n3,4\n', { target: 'y' });
 */
export function readCsv(text: string, options: CsvOptions = {}): Table {
  const { delimiter = ',', missing = ['?', 'NA', ''], onMissing = 'error', drop = [], target = -1 } = options;
  const lines =
    delimiter === 'whitespace'
      ? text.split(/\r?\n/).map((line) => (line.trim() === '' ? [''] : line.trim().split(/\s+/)))
      : dsvFormat(delimiter).parseRows(text);
  const rows = lines
    .map((fields, line) => ({ fields: fields.map((field) => field.trim()), line: line + 1 }))
    .filter(({ fields }) => fields.length > 1 || fields[0] !== '');
  const first = rows[0];
  if (!first)
    throw new DataError('corrupt-file', 'readCsv: the text has no lines. Give the content of a file.');
  const isNumber = (field: string): boolean => missing.includes(field) || Number.isFinite(Number(field));
  const header = options.header ?? !first.fields.every(isNumber);
  const names = header ? first.fields : first.fields.map((_, j) => `column ${j}`);
  const goal = placeOf(target, names, 'target');
  const without = new Set([goal, ...drop.map((column) => placeOf(column, names, 'drop'))]);
  const kept = names.map((_, j) => j).filter((j) => !without.has(j));
  const body = header ? rows.slice(1) : rows;
  const complete = body.filter(({ fields, line }) => {
    if (fields.length !== names.length) {
      throw new DataError(
        'corrupt-file',
        `readCsv: line ${line} must have ${names.length} fields, as the first, got ${fields.length}. Is the delimiter right?`,
      );
    }
    const lacking = [...kept, goal].find((j) => missing.includes(fields[j]!));
    if (lacking === undefined) return true;
    if (onMissing === 'drop') return false;
    throw new DataError(
      'corrupt-file',
      `readCsv: line ${line} has no value for ${names[lacking]!}. Drop the column, or set onMissing to drop.`,
    );
  });
  if (complete.length === 0 || kept.length === 0) {
    throw new DataError(
      'corrupt-file',
      `readCsv: there must be a row and a feature left, got ${complete.length} and ${kept.length}.`,
    );
  }
  const number = (fields: readonly string[], j: number, line: number): number => {
    const value = Number(fields[j]);
    if (Number.isFinite(value)) return value;
    throw new DataError(
      'corrupt-file',
      `readCsv: line ${line}, ${names[j]!} must be a number, got ${JSON.stringify(fields[j])}. Drop the column, or name it as missing.`,
    );
  };
  const values = Float64Array.from(
    complete.flatMap(({ fields, line }) => kept.map((j) => number(fields, j, line))),
  );
  return {
    A: { rows: complete.length, columns: kept.length, values },
    b: Float64Array.from(complete, ({ fields, line }) => number(fields, goal, line)),
    columns: kept.map((j) => names[j]!),
  };
}

function placeOf(column: string | number, names: readonly string[], option: string): number {
  const place =
    typeof column === 'string' ? names.indexOf(column) : column < 0 ? names.length + column : column;
  if (Number.isInteger(place) && place >= 0 && place < names.length) return place;
  throw new ArgumentError(
    `readCsv: ${option} must name one of ${names.length} columns (${names.slice(0, 5).join(', ')} …), got ${column}.`,
  );
}
