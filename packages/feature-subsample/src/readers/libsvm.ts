/** The LIBSVM text format: a label, then index:value pairs in rising order of the index, which starts at 1. */
import { DataError } from '@ockham/core';
import type { Table } from './csv.ts';

const MOST_VALUES = 2 ** 28; // 2 GiB

/** Options of {@link readLibsvm}. */
export interface LibsvmOptions {
  /** d, where the text may not show all features. Default: the largest index. */
  readonly features?: number;
  /** Values of the dense matrix, zeros included: a short text can name any index. Default 2²⁸, 2 GiB. */
  readonly most?: number;
}

/**
 * Reads the LIBSVM format into a dense matrix. What follows a `#` is left out.
 *
 * @throws DataError with the line, for anything else.
 *
 * @example
 * const { A, b } = readLibsvm('+1 1:0.5 3:1\n-1 2:2\n'); // [[0.5, 0, 1], [0, 2, 0]], [1, −1]
 */
export function readLibsvm(text: string, options: LibsvmOptions = {}): Table {
  const labels: number[] = [];
  const entries: { row: number; column: number; value: number }[] = [];
  let most = 0;
  text.split('\n').forEach((raw, at) => {
    const content = (raw.includes('#') ? raw.slice(0, raw.indexOf('#')) : raw).trim();
    if (content === '') return;
    const [label, ...pairs] = content.split(/\s+/);
    const row = labels.length;
    labels.push(finite(label!, 'the label', at));
    let last = 0;
    for (const pair of pairs) {
      const colon = pair.indexOf(':');
      const column = colon > 0 ? Number(pair.slice(0, colon)) : NaN;
      if (!Number.isSafeInteger(column) || column <= last) {
        throw new DataError(
          'corrupt-file',
          `readLibsvm: line ${at + 1} must have index:value pairs, indices rising from 1, got ${JSON.stringify(pair.slice(0, 100))} after ${last}.`,
        );
      }
      last = column;
      entries.push({ row, column, value: finite(pair.slice(colon + 1), `the value at ${column}`, at) });
    }
    most = Math.max(most, last);
  });
  const { features: d = most, most: limit = MOST_VALUES } = options;
  if (labels.length === 0 || d === 0) {
    throw new DataError(
      'corrupt-file',
      `readLibsvm: there must be a line and a feature, got ${labels.length} and ${d}.`,
    );
  }
  if (most > d) {
    throw new DataError(
      'corrupt-file',
      `readLibsvm: features must cover the largest index, ${most}, got ${d}.`,
    );
  }
  if (labels.length * d > limit) {
    throw new DataError(
      'corrupt-file',
      `readLibsvm: the dense matrix would have ${labels.length} × ${d} values, above the limit of ${limit}. Check the largest index, or raise \`most\`.`,
    );
  }
  const values = new Float64Array(labels.length * d);
  for (const { row, column, value } of entries) values[row * d + column - 1] = value;
  return {
    A: { rows: labels.length, columns: d, values },
    b: Float64Array.from(labels),
    columns: Array.from({ length: d }, (_, j) => `feature ${j + 1}`),
  };
}

function finite(text: string, what: string, at: number): number {
  const value = text === '' ? NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw new DataError(
    'corrupt-file',
    `readLibsvm: line ${at + 1}, ${what} must be a finite number, got ${JSON.stringify(text.slice(0, 100))}.`,
  );
}
