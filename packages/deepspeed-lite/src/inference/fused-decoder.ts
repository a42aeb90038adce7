import { UnsupportedModelError } from '@ockham/core';
import type { Decoder, TextPart } from './generate.ts';
import type { Cache, Program } from './program.ts';
import type { TransformerWeights } from './read-weights.ts';
import type { Rows } from './rows.ts';

/** @throws UnsupportedModelError where a model does not score the next token at every position. */
export function checkDecoder(who: string, { policy, outputs, words }: TransformerWeights): void {
  if (policy.attention === 'causal' && policy.head.rows === 'all' && outputs === words.rows) return;
  throw new UnsupportedModelError(
    `${who}: the model must be causal and score every token at all rows, got attention '${policy.attention}', head rows '${policy.head.rows}' and ${outputs} outputs for ${words.rows} tokens. Use predict.`,
  );
}

/** New tokens of texts as rows, of which the last of each text is read. */
export function rowsOfParts(parts: readonly { readonly tokens: Int32Array; readonly past: number }[]): Rows {
  const count = parts.reduce((sum, { tokens }) => sum + tokens.length, 0);
  const rows = { ids: new Int32Array(count), places: new Int32Array(count), kinds: new Int32Array(count) };
  const texts: { begin: number; rows: number }[] = [];
  let begin = 0;
  for (const { tokens, past } of parts) {
    rows.ids.set(tokens, begin);
    for (let i = 0; i < tokens.length; i++) rows.places[begin + i] = past + i;
    texts.push({ begin, rows: tokens.length });
    begin += tokens.length;
  }
  const read = Int32Array.from(texts, (text) => text.begin + text.rows - 1);
  return { count, ...rows, texts, read };
}

/** Texts that are being written, with a cache for each. End it to free them. */
export function fusedDecoder(
  program: Program,
  next: (rows: Rows, caches: readonly Cache[]) => Promise<Float32Array>,
): Decoder & { end(): void } {
  const { words, positions, outputs } = program.weights;
  const most = positions?.rows ?? Infinity;
  const caches = new Map<number, Cache>();
  const cacheOf = (text: number, rows: number): Cache => {
    const known = caches.get(text);
    if (known && known.past + rows <= known.capacity) return known;
    const capacity = Math.min(most, Math.max(64, 2 * ((known?.past ?? 0) + rows)));
    const cache = program.makeCache(capacity);
    if (known) {
      program.copyCache(known, cache);
      program.freeCache(known);
    }
    caches.set(text, cache);
    return cache;
  };
  return {
    vocabulary: words.rows,
    positions: most,
    forget(text) {
      const cache = caches.get(text);
      if (cache) cache.past = 0;
    },
    async append(parts: readonly TextPart[]) {
      const own = parts.map(({ text, tokens }) => cacheOf(text, tokens.length));
      const rows = rowsOfParts(parts.map(({ tokens }, i) => ({ tokens, past: own[i]!.past })));
      const scores = await next(rows, own);
      return parts.map((_, i) => scores.slice(i * outputs, (i + 1) * outputs));
    },
    end() {
      for (const cache of caches.values()) program.freeCache(cache);
      caches.clear();
    },
  };
}
