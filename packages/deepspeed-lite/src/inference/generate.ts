/** Texts, token by token, from whatever scores the next one. */
import { ArgumentError, throwIfAborted } from '@ockham/core';
import { toRandom, type Seed } from '@ockham/core/random';
import { checkIds } from './rows.ts';
import { checkSampling, sampleToken, type SamplingOptions } from './sampling.ts';

/** Options of `generate`. */
export interface GenerateOptions extends SamplingOptions {
  /** Tokens to add to each prompt, ≥ 1. Default 32. */
  readonly maxTokens?: number;
  /** Tokens that end a text; the one that does is part of it. Default none. */
  readonly stop?: readonly number[];
  /** Seeds the choice of tokens, each text by its place. Default 0. */
  readonly seed?: Seed;
  /** Whether keys and values are kept, or computed anew for every token. Default true. */
  readonly cache?: boolean;
  /**
   * What to do with a text of more tokens than the model has positions: `refuse`, the default, before anything is computed; or `slide`: see
   * the last ones alone, computed anew for every token.
   */
  readonly overflow?: 'refuse' | 'slide';
  /** Called with each token and the text that it was added to. */
  readonly onToken?: (token: number, text: number) => void;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** New tokens of a text. */
export interface TextPart {
  readonly text: number;
  readonly tokens: Int32Array;
}

/** Scores the token after each of some texts, that grow. */
export interface Decoder {
  readonly vocabulary: number;
  /** Longest text; Infinity where any is fine. */
  readonly positions: number;
  /** Adds tokens to texts; the scores `[vocabulary]` of what comes after each. */
  append(parts: readonly TextPart[]): Promise<readonly Float32Array[]>;
  /** Forgets a text's tokens. */
  forget(text: number): void;
}

/** Adds tokens to every prompt. Returns the texts, prompts included. */
export async function decode(
  who: string,
  decoder: Decoder,
  prompts: readonly ArrayLike<number>[],
  options: GenerateOptions,
): Promise<Int32Array[]> {
  const { maxTokens = 32, stop = [], seed = 0, cache = true, overflow = 'refuse', onToken, signal } = options;
  const { vocabulary, positions } = decoder;
  checkSampling(who, options);
  if (!(Number.isInteger(maxTokens) && maxTokens >= 1))
    throw new ArgumentError(`${who}: maxTokens must be an integer ≥ 1, got ${maxTokens}.`);
  if (prompts.length === 0) throw new ArgumentError(`${who}: there must be at least one prompt, got none.`);
  for (const prompt of prompts) {
    if (typeof prompt !== 'object' || prompt.length === 0)
      throw new ArgumentError(`${who}: a prompt must be a list of at least one token id, got ${JSON.stringify(prompt)}. Pass a list of prompts: [[1, 2, 3]].`); // prettier-ignore
    checkIds(who, 'tokens of a prompt', prompt, vocabulary);
    if (overflow === 'refuse' && prompt.length + maxTokens - 1 > positions)
      throw new ArgumentError(`${who}: prompt and maxTokens must fit the model's ${positions} positions, got ${prompt.length} + ${maxTokens}. Ask for fewer tokens, or give overflow: 'slide'.`); // prettier-ignore
  }
  const texts = prompts.map((prompt) => Array.from(prompt));
  const streams = prompts.map((_, t) => toRandom(seed).stream(`text ${t}`));
  const fed = prompts.map(() => 0);
  let active = [...texts.keys()];
  for (let step = 0; step < maxTokens && active.length > 0; step++) {
    throwIfAborted(signal, who);
    const parts = active.map((t): TextPart => {
      const text = texts[t]!;
      if (!cache || text.length > positions) {
        decoder.forget(t);
        fed[t] = Math.max(0, text.length - positions);
      }
      const tokens = Int32Array.from(text.slice(fed[t]));
      fed[t] = text.length;
      return { text: t, tokens };
    });
    const scores = await decoder.append(parts);
    active = active.filter((t, i) => {
      const token = sampleToken(scores[i]!, options, streams[t]!);
      texts[t]!.push(token);
      onToken?.(token, t);
      return !stop.includes(token);
    });
  }
  return texts.map((text) => Int32Array.from(text));
}
