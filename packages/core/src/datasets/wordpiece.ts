/**
 * WordPiece, the tokeniser of BERT.
 *
 * Source: Devlin et al. 2018, section 3, "Input/Output representations"; the splitting itself is that of the
 * package `@huggingface/tokenizers`. Pairs are cut as in the published code, one token at a time from the longer text.
 * A final Σ becomes ς as there, where later implementations go letter by letter and get σ.
 * Deviations: ideographs beyond U+FFFF and unassigned characters are handled here, since that package does not.
 */
import { ArgumentError, DataError } from '../errors.ts';

/** Options of {@link wordPiece}. */
export interface WordPieceOptions {
  /** Lower-case the text and drop accents, as an uncased vocabulary wants. Default true. */
  readonly lowerCase?: boolean;
  /** Longer words become the unknown token. Default 100 characters, BERT's. */
  readonly longestWord?: number;
}

/** A text or a pair of texts as a model reads it: `[CLS] first [SEP]`, then `second [SEP]`. */
export interface EncodedText {
  /** Token ids, special tokens included. */
  readonly ids: readonly number[];
  /** 0 for the first text and its marks, 1 for the second and its end. */
  readonly types: readonly number[];
}

/** Ids of the tokens that are no words. */
export interface SpecialTokens {
  /** `[PAD]`, always 0. */
  readonly padding: number;
  /** `[UNK]`. */
  readonly unknown: number;
  /** `[CLS]`. */
  readonly start: number;
  /** `[SEP]`. */
  readonly separator: number;
  /** `[MASK]`. */
  readonly mask: number;
}

/** A tokeniser with its vocabulary. */
export interface WordPiece {
  /** `vocabulary[id]` is a token; `##` marks a piece that continues a word. */
  readonly vocabulary: readonly string[];
  /** Ids of the tokens with a meaning of their own. */
  readonly special: SpecialTokens;
  /** Ids of a text alone, without `[CLS]` and `[SEP]`. Special tokens written out in the text, as `[MASK]`, are kept. */
  tokens(text: string): number[];
  /**
   * Ids of a text or a pair with special tokens. With `length`, the longer text loses tokens from its end, one at a
   * time and the second first where both are as long, until the whole has at most `length`; nothing is padded.
   *
   * @throws ArgumentError where `length` leaves no room for the special tokens, 2 or 3.
   */
  encode(first: string, second?: string, length?: number): EncodedText;
  /** Text of ids, without special tokens; pieces of a word are joined. */
  decode(ids: ArrayLike<number>): string;
}

/** What is used of the package; its own declarations do not resolve under Node's rules for modules. */
type Implementation = new (
  tokenizer: object,
  config: object,
) => { encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] } };

const SPECIAL = {
  padding: '[PAD]',
  unknown: '[UNK]',
  start: '[CLS]',
  separator: '[SEP]',
  mask: '[MASK]',
} as const;

/**
 * Makes a WordPiece tokeniser of a vocabulary. Needs the optional peer `@huggingface/tokenizers`.
 *
 * @param vocabulary The content of a `vocab.txt`, one token in each line, or the tokens; the position is the id.
 * @throws ArgumentError where a special token is missing, `[PAD]` is not token 0, or a token stands there twice.
 * @throws DataError `dataset-missing` where the package is not installed.
 *
 * @example
 * const tokenizer = await wordPiece(await response.text());
 * const { ids } = tokenizer.encode('It never gets old.', undefined, 64);
 */
export async function wordPiece(
  vocabulary: string | readonly string[],
  options: WordPieceOptions = {},
): Promise<WordPiece> {
  const { lowerCase = true, longestWord = 100 } = options;
  const tokens = typeof vocabulary === 'string' ? readVocabulary(vocabulary) : vocabulary;
  if (!Number.isInteger(longestWord) || longestWord < 1) {
    throw new ArgumentError(`wordPiece: longestWord must be an integer ≥ 1, got ${longestWord}.`);
  }
  const special = specialTokens(tokens);
  const split = splitter(await load(), tokens, special, lowerCase, longestWord);
  return {
    vocabulary: tokens,
    special,
    tokens: split,
    encode(first, second, length) {
      const a = split(first);
      const b = second === undefined ? undefined : split(second);
      const marks = b ? 3 : 2;
      if (length !== undefined) {
        if (!Number.isInteger(length) || length < marks) {
          throw new ArgumentError(
            `wordPiece.encode: length must be an integer ≥ ${marks}, the number of special tokens, got ${length}.`,
          );
        }
        cut(a, b ?? [], length - marks);
      }
      const head = [special.start, ...a, special.separator];
      const tail = b ? [...b, special.separator] : [];
      return { ids: [...head, ...tail], types: [...head.map(() => 0), ...tail.map(() => 1)] };
    },
    decode(ids) {
      const marks = new Set(Object.values(special));
      const words = Array.from(ids)
        .filter((id) => !marks.has(id))
        .map((id) => tokens[id] ?? SPECIAL.unknown);
      return words.join(' ').replaceAll(' ##', '');
    },
  };
}

/** Takes tokens from the longer end until both have at most `room` together. */
function cut(a: number[], b: number[], room: number): void {
  while (a.length + b.length > room) (a.length > b.length ? a : b).pop();
}

function readVocabulary(text: string): string[] {
  const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function specialTokens(vocabulary: readonly string[]): SpecialTokens {
  const ids = new Map(vocabulary.map((token, id) => [token, id]));
  if (ids.size < vocabulary.length) {
    const twice = vocabulary.find((token, id) => ids.get(token) !== id);
    throw new ArgumentError(`wordPiece: each token must stand once in the vocabulary, got '${twice}' twice.`);
  }
  const missing = Object.values(SPECIAL).filter((token) => !ids.has(token));
  if (missing.length > 0) {
    throw new ArgumentError(
      `wordPiece: the vocabulary must have ${Object.values(SPECIAL).join(', ')}, and ${missing.join(', ')} is missing of ${vocabulary.length} tokens. Check that it is a vocab.txt of BERT.`,
    );
  }
  if (ids.get(SPECIAL.padding) !== 0) {
    throw new ArgumentError(
      `wordPiece: [PAD] must be token 0, which models take for padding, got ${ids.get(SPECIAL.padding)}.`,
    );
  }
  const id = (name: keyof typeof SPECIAL) => ids.get(SPECIAL[name])!;
  return {
    padding: id('padding'),
    unknown: id('unknown'),
    start: id('start'),
    separator: id('separator'),
    mask: id('mask'),
  };
}

/** Blocks of ideographs beyond U+FFFF, each of which is a word of its own. */
const FAR_IDEOGRAPH = /[\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b820}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;

function splitter(
  Splitter: Implementation,
  vocabulary: readonly string[],
  special: SpecialTokens,
  lowerCase: boolean,
  longestWord: number,
): (text: string) => number[] {
  const added = Object.values(special).map((id: number) => ({
    id,
    content: vocabulary[id],
    special: true,
    normalized: false,
    single_word: false,
    lstrip: false,
    rstrip: false,
  }));
  const tokenizer = new Splitter(
    {
      added_tokens: added,
      normalizer: {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: lowerCase,
        lowercase: lowerCase,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      post_processor: null,
      decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
      model: {
        type: 'WordPiece',
        unk_token: SPECIAL.unknown,
        continuing_subword_prefix: '##',
        max_input_chars_per_word: longestWord,
        vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      },
    },
    {},
  );
  return (text) => {
    const clean = text.replaceAll(FAR_IDEOGRAPH, ' $& ').replaceAll(/\p{Cn}/gu, '');
    return tokenizer.encode(clean, { add_special_tokens: false }).ids;
  };
}

async function load(): Promise<Implementation> {
  try {
    const module = (await import('@huggingface/tokenizers')) as { readonly Tokenizer: Implementation };
    return module.Tokenizer;
  } catch (cause) {
    throw new DataError(
      'dataset-missing',
      'wordPiece: needs the package @huggingface/tokenizers. Install it and run again.',
      { cause },
    );
  }
}
