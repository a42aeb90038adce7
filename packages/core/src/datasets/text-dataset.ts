import type { Column, Dataset, Provenance, Split } from '../dataset.ts';
import { encodeTexts, type EncodedColumn, type EncodeTextsOptions } from './encode-texts.ts';
import type { WordPiece } from './wordpiece.ts';

/** Texts, or pairs of them, with a label each, in memory. */
export interface TextExamples {
  /** Number of examples. */
  readonly size: number;
  /** The text of every example, or the first of its pair. */
  readonly first: readonly string[];
  /** The second text of every pair; absent where an example is one text. */
  readonly second?: readonly string[];
  /** Class indexes, or scores for regression. */
  readonly labels: Int32Array | Float32Array;
}

/** A named train and test split of texts. */
export interface TextDataset {
  /** The name of the task, such as `sst-2`. */
  readonly name: string;
  /** Examples to train on. */
  readonly train: TextExamples;
  /** Examples that training never sees. */
  readonly test: TextExamples;
  /** Class names, `classes[label]`; empty for regression. */
  readonly classes: readonly string[];
  /** Where the texts came from, and their checksums. */
  readonly provenance: Provenance;
}

/**
 * Texts as tokens of a fixed length, ready for `bert` and `train`. The provenance says how many examples were cut off.
 *
 * @throws ArgumentError where `length` leaves no room for a token.
 * @throws AbortedError when the signal fires.
 *
 * @example
 * const data = await encodeDataset(await glue('SST-2'), tokenizer, { length: 64 });
 * await train(bert({ length: 64 }), data.train, { epochs: 3 });
 */
export async function encodeDataset(
  texts: TextDataset,
  tokenizer: WordPiece,
  options: EncodeTextsOptions = {},
): Promise<Dataset> {
  const encode = (part: TextExamples) => encodeTexts(tokenizer, part.first, part.second, options);
  const train = await encode(texts.train);
  const test = await encode(texts.test);
  const [length] = train.shape;
  const cut = `Cut off at ${length} tokens: ${train.truncated} of ${texts.train.size} training and ${test.truncated} of ${texts.test.size} test examples.`;
  const note = [texts.provenance.note, train.truncated + test.truncated > 0 ? cut : '']
    .filter(Boolean)
    .join(' ');
  return {
    name: texts.name,
    classes: texts.classes,
    train: splitOf(train, texts.train.labels),
    test: splitOf(test, texts.test.labels),
    provenance: { ...texts.provenance, ...(note ? { note } : {}) },
  };
}

function splitOf(column: EncodedColumn, labels: Column['values']): Split {
  const { values, shape } = column;
  return { size: labels.length, x: { values, shape }, y: { values: labels, shape: [] } };
}

/** The first `count` examples, without copying labels. */
export function takeTexts(examples: TextExamples, count: number | undefined): TextExamples {
  if (count === undefined || count >= examples.size) return examples;
  const { first, second, labels } = examples;
  return {
    size: count,
    first: first.slice(0, count),
    ...(second ? { second: second.slice(0, count) } : {}),
    labels: labels.subarray(0, count),
  };
}
