import type { Column } from '../dataset.ts';
import { ArgumentError, throwIfAborted } from '../errors.ts';
import type { Progress } from '../progress.ts';
import type { WordPiece } from './wordpiece.ts';

/** Options of {@link encodeTexts}. */
export interface EncodeTextsOptions {
  /** Tokens of every example: longer ones are cut off, shorter ones padded with 0. Default 128. */
  readonly length?: number;
  /**
   * What a position holds: an id, so that an example is `[length]`, or an id and a token type, `[length, 2]`; the
   * `input` of `bert`. Default `ids-and-types` for pairs and `ids` for single texts.
   */
  readonly input?: 'ids' | 'ids-and-types';
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** Texts between two reports, each a pause in which an abort is seen: some 40 ms. */
const REPORT_EVERY = 1000;

/** A column of tokens, and how much of the texts it holds. */
export interface EncodedColumn extends Column {
  /** Token ids, or ids and types side by side, row-major. */
  readonly values: Int32Array;
  /** Examples that were cut off. */
  readonly truncated: number;
}

/**
 * Texts, or pairs of them, as one column of token ids of a fixed length: what a model of one input trains on.
 *
 * @param second Row i belongs to row i of `first`.
 * @throws ArgumentError where the numbers of texts differ or `length` leaves no room for a token.
 * @throws AbortedError when the signal fires.
 */
export async function encodeTexts(
  tokenizer: WordPiece,
  first: readonly string[],
  second?: readonly string[],
  options: EncodeTextsOptions = {},
): Promise<EncodedColumn> {
  const { length = 128, input = second ? 'ids-and-types' : 'ids', progress, signal } = options;
  const marks = second ? 3 : 2;
  if (!Number.isInteger(length) || length <= marks) {
    throw new ArgumentError(
      `encodeTexts: length must be an integer > ${marks}, the number of special tokens, got ${length}.`,
    );
  }
  if (second && second.length !== first.length) {
    throw new ArgumentError(
      `encodeTexts: a pair needs a second text for each first one, got ${second.length} for ${first.length}.`,
    );
  }
  if (input !== 'ids' && input !== 'ids-and-types') {
    throw new ArgumentError(`encodeTexts: input must be 'ids' or 'ids-and-types', got '${String(input)}'.`);
  }
  throwIfAborted(signal, 'encodeTexts');
  const width = input === 'ids' ? 1 : 2;
  const values = new Int32Array(first.length * length * width); // [examples, length, width]; 0 is padding, of type 0
  let truncated = 0;
  for (const [row, text] of first.entries()) {
    const whole = tokenizer.encode(text, second?.[row]);
    const fits = whole.ids.length <= length;
    if (!fits) truncated += 1;
    const { ids, types } = fits ? whole : tokenizer.encode(text, second?.[row], length);
    for (let i = 0; i < ids.length; i++) {
      const at = (row * length + i) * width;
      values[at] = ids[i]!;
      if (width === 2) values[at + 1] = types[i]!;
    }
    if ((row + 1) % REPORT_EVERY > 0) continue;
    progress?.({ stage: 'encode texts', done: row + 1, total: first.length });
    await new Promise((resolve) => setTimeout(resolve));
    throwIfAborted(signal, 'encodeTexts');
  }
  return { values, shape: width === 1 ? [length] : [length, 2], truncated };
}
