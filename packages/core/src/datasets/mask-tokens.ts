import type { Column, Split } from '../dataset.ts';
import { ArgumentError } from '../errors.ts';
import { toRandom, type Seed } from '../random/random.ts';
import type { WordPiece } from './wordpiece.ts';

/** Options of {@link maskTokens}. */
export interface MaskTokensOptions {
  /** Fraction of the words that are to be predicted, in (0, 1]. Default 0.15 (Devlin et al. 2018, section 3.1). */
  readonly share?: number;
  /** Default 0. */
  readonly seed?: Seed;
}

/**
 * Makes examples for masked language modelling (Devlin et al. 2018, section 3.1, task 1): of each column's words a
 * share is to be predicted, of which 80 % are hidden behind `[MASK]`, 10 % replaced by any token and 10 % left.
 * Special tokens are never asked for. The column itself stays as it was.
 *
 * @param tokens Ids `[length]`, or ids and types `[length, 2]`, as `encodeTexts` gives them.
 * @returns `y` is `[length]`: the right id, or −1 where nothing is asked; what `maskedTokenLoss` takes.
 * @throws ArgumentError where `share` is out of range or the column holds no tokens.
 */
export function maskTokens(
  tokens: Column,
  tokenizer: Pick<WordPiece, 'vocabulary' | 'special'>,
  options: MaskTokensOptions = {},
): Split {
  const { share = 0.15, seed = 0 } = options;
  if (!(share > 0 && share <= 1)) {
    throw new ArgumentError(
      `maskTokens: share must be in (0, 1], the fraction of words to predict; got ${share}.`,
    );
  }
  const [length = 0, width = 1] = tokens.shape;
  if (length === 0 || tokens.shape.length > 2 || (tokens.shape.length === 2 && width !== 2)) {
    throw new ArgumentError(
      `maskTokens: an example must be ids [length] or ids and types [length, 2], got [${tokens.shape.join(', ')}].`,
    );
  }
  const random = toRandom(seed).stream('mask-tokens');
  const { mask, unknown, ...marks } = tokenizer.special;
  const fixed = new Set([mask, ...Object.values(marks)]); // an unknown word is a word
  const words = Int32Array.from(tokenizer.vocabulary.keys()).filter((id) => id !== unknown && !fixed.has(id));
  const x = Int32Array.from(tokens.values);
  const y = new Int32Array(x.length / width).fill(-1);
  for (let i = 0; i < y.length; i++) {
    const id = x[i * width]!;
    if (fixed.has(id) || random.uniform() >= share) continue;
    y[i] = id;
    const kind = random.uniform();
    if (kind < 0.8) x[i * width] = mask;
    else if (kind < 0.9) x[i * width] = words[random.integer(words.length)]!;
  }
  return {
    size: y.length / length,
    x: { values: x, shape: tokens.shape },
    y: { values: y, shape: [length] },
  };
}
