import type { Dataset, Provenance, Split } from '../dataset.ts';
import { ArgumentError } from '../errors.ts';
import type { EncodedColumn } from './encode-texts.ts';
import type { WordPiece } from './wordpiece.ts';

/** A running text in two parts. */
export interface TextCorpus {
  /** The name of the corpus, such as `wikitext-2`. */
  readonly name: string;
  /** The text to train on. */
  readonly train: string;
  /** The text that training never sees. */
  readonly test: string;
  /** Where the text came from, and its checksums. */
  readonly provenance: Provenance;
}

/** Options of {@link corpusDataset}. */
export interface CorpusDatasetOptions {
  /** What a token is: `character`, or `word`, what stands between spaces, with `<eos>` at the end of a line. */
  readonly unit: 'character' | 'word';
  /** Tokens of an example, ≥ 1. */
  readonly length: number;
}

/** Stand for padding, which windows do not need, and for tokens that only the test text has. */
const RESERVED = ['[PAD]', '[UNK]'] as const;
const UNKNOWN = 1;

/**
 * Windows of a text for predicting the next token: `x` is `[length]` ids, `y` the ids one further on. Windows do not
 * overlap; what is left over at the end is dropped. The vocabulary, `classes[id]`, is of the training text alone: most
 * frequent first, ids 0 and 1 kept for padding and unknown tokens.
 *
 * @throws ArgumentError where a part is shorter than one window.
 */
export function corpusDataset(corpus: TextCorpus, options: CorpusDatasetOptions): Dataset {
  const { unit, length } = options;
  if (unit !== 'character' && unit !== 'word') {
    throw new ArgumentError(`corpusDataset: unit must be 'character' or 'word', got '${String(unit)}'.`);
  }
  if (!Number.isInteger(length) || length < 1) {
    throw new ArgumentError(`corpusDataset: length must be an integer ≥ 1, got ${length}.`);
  }
  const train = tokensOf(corpus.train, unit);
  const classes = [...RESERVED, ...byFrequency(train)];
  const ids = new Map(classes.map((token, id) => [token, id]));
  const windows = (tokens: readonly string[], part: string): Split => {
    const size = Math.floor((tokens.length - 1) / length);
    if (size < 1) {
      throw new ArgumentError(
        `corpusDataset: the ${part} text must have more than length = ${length} tokens, got ${tokens.length}.`,
      );
    }
    const all = Int32Array.from(tokens, (token) => ids.get(token) ?? UNKNOWN);
    return {
      size,
      x: { values: all.subarray(0, size * length), shape: [length] },
      y: { values: all.subarray(1, size * length + 1), shape: [length] },
    };
  };
  return {
    name: `${corpus.name} by ${unit}`,
    classes,
    train: windows(train, 'training'),
    test: windows(tokensOf(corpus.test, unit), 'test'),
    provenance: corpus.provenance,
  };
}

/**
 * A running text as windows of `length` WordPiece ids, `[CLS]` … `[SEP]`, the last one padded: the column that
 * `maskTokens` takes. Lines follow each other without a mark; blank ones are left out.
 *
 * @throws ArgumentError where `length` leaves no room or the text has no tokens.
 */
export function encodeCorpus(
  tokenizer: WordPiece,
  text: string,
  { length = 128 }: { readonly length?: number } = {},
): EncodedColumn {
  if (!Number.isInteger(length) || length < 3) {
    throw new ArgumentError(`encodeCorpus: length must be an integer ≥ 3, got ${length}.`);
  }
  const pieces = text.split('\n').flatMap((line) => tokenizer.tokens(line));
  if (pieces.length === 0)
    throw new ArgumentError('encodeCorpus: the text must have at least one token, got none.');
  const room = length - 2;
  const size = Math.ceil(pieces.length / room);
  const values = new Int32Array(size * length);
  for (let row = 0; row < size; row++) {
    const window = pieces.slice(row * room, (row + 1) * room);
    values.set([tokenizer.special.start, ...window, tokenizer.special.separator], row * length);
  }
  return { values, shape: [length], truncated: 0 };
}

/** Tokens of a text; by `word`, an empty line is an `<eos>` alone, as in the published counts of WikiText. */
export function tokensOf(text: string, unit: 'character' | 'word'): string[] {
  if (unit === 'character') return Array.from(text);
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.flatMap((line) => [...line.split(/\s+/).filter(Boolean), '<eos>']);
}

function byFrequency(tokens: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  // a stable sort: as frequent, in order of first appearance
  return [...counts].sort(([, a], [, b]) => b - a).map(([token]) => token);
}
