import { readFile } from 'node:fs/promises';
import { encodeDataset, takeTexts, type TextDataset, type TextExamples } from '../datasets/text-dataset.ts';
import { wordPiece } from '../datasets/wordpiece.ts';
import { bertUncased } from '../datasets/wordpiece.node.ts';
import { DataError, UnsupportedModelError } from '../errors.ts';
import type { OpenDataOptions, OpenedData } from './open-data.node.ts';

/**
 * Texts and their class indexes from tab-separated lines under a header that names the columns `text`, `label` and, for pairs,
 * `second`, in any order. No quoting: a text holds no tab.
 *
 * @throws DataError `corrupt-file` naming the line that does not fit.
 */
export function tsvData(text: string, who: string): TextExamples {
  const [header = '', ...lines] = text.split(/\r?\n/).filter((line) => line !== '');
  const names = header.split('\t');
  const [first, label, second] = ['text', 'label', 'second'].map((name) => names.indexOf(name)) as [
    number,
    number,
    number,
  ];
  if (first < 0 || label < 0 || lines.length === 0)
    throw new DataError(
      'corrupt-file',
      `${who}: the first line must name the columns text and label, and texts must follow; got '${header.slice(0, 60)}' and ${lines.length} lines.`,
    );
  const rows = lines.map((line) => line.split('\t'));
  const labels = Int32Array.from(rows, (row) => Number(row[label] || NaN));
  const odd = rows.findIndex((row) => row.length !== names.length || !/^\d+$/.test(row[label]!));
  if (odd >= 0)
    throw new DataError(
      'corrupt-file',
      `${who}: line ${odd + 2} must hold ${names.length} columns and a class index as label, got '${lines[odd]!.slice(0, 60)}'.`,
    );
  return {
    size: rows.length,
    first: rows.map((row) => row[first]!),
    ...(second >= 0 && { second: rows.map((row) => row[second]!) }),
    labels,
  };
}

/**
 * Texts as the model's input wants them: ids `[length]`, or ids and token types `[length, 2]`.
 *
 * @param hasTest False where the test split only stands for one.
 * @throws UnsupportedModelError for a model whose input is no row of ids.
 */
export async function encodeForModel(
  texts: TextDataset,
  { inputShape, vocabulary, train, test, progress, signal }: OpenDataOptions,
  hasTest = true,
): Promise<OpenedData> {
  const [length, width, ...more] = inputShape;
  if (length == null || more.length > 0 || (width !== undefined && width !== 2))
    throw new UnsupportedModelError(
      `--data: texts need a model whose input is [length] token ids or [length, 2] with token types, this one takes [${inputShape.map((size) => size ?? '?').join(', ')}].`,
    );
  const tokenizer = vocabulary === undefined ? await bertUncased() : wordPiece(await words(vocabulary));
  const few = {
    ...texts,
    train: takeTexts(texts.train, train),
    test: takeTexts(texts.test, hasTest ? test : 1),
  };
  const { test: encoded, ...rest } = await encodeDataset(few, await tokenizer, {
    length,
    input: width === 2 ? 'ids-and-types' : 'ids',
    ...(progress && { progress }),
    ...(signal && { signal }),
  });
  return { ...rest, ...(hasTest && { test: encoded }) };
}

async function words(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new DataError('storage-failed', `--vocabulary: ${path} cannot be read. Check the path.`, { cause });
  });
}
