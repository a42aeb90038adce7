/** Texts as words of a vocabulary counted here: what stands between spaces, as SST-2 comes tokenised. */
import type { Split } from '@ockham/core';
import type { TextExamples } from '@ockham/core/datasets';
import type { Random } from '@ockham/core/random';

/** Ids 0 … 4, BERT's special tokens in the order of `special`. */
const MARKS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const;
const special = { padding: 0, unknown: 1, start: 2, separator: 3, mask: 4 } as const;

/** Words with their counts; as much of a tokeniser as `maskTokens` wants. */
export interface Words {
  readonly vocabulary: readonly string[];
  readonly special: typeof special;
  /** `counts[id]`: occurrences in the training texts; of the special tokens 0. */
  readonly counts: Int32Array;
}

/** The words of the texts, most frequent first, `most` of them with the special tokens. */
export function wordsOf(texts: readonly string[], most = Infinity): Words {
  const counts = new Map<string, number>();
  for (const text of texts) for (const word of split(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  // a stable sort: as frequent, in order of first appearance
  const sorted = [...counts].sort(([, a], [, b]) => b - a).slice(0, most - MARKS.length);
  return {
    vocabulary: [...MARKS, ...sorted.map(([word]) => word)],
    special,
    counts: Int32Array.from([...MARKS.map(() => 0), ...sorted.map(([, count]) => count)]),
  };
}

/** How texts become ids. */
interface EncodeOptions {
  readonly length: number;
  /** As `[CLS]` … `[SEP]`. */
  readonly marks: boolean;
  /** Words that are not in the vocabulary are left out, in place of `[UNK]`. Default false. */
  readonly knownOnly?: boolean;
}

/** Texts as ids of a fixed length. */
export function encodeWords(
  words: Words,
  { first, labels, size }: TextExamples,
  { length, marks, knownOnly = false }: EncodeOptions,
): Split {
  const ids = new Map(words.vocabulary.map((word, id) => [word, id]));
  const values = new Int32Array(size * length);
  for (const [row, text] of first.entries()) {
    const room = marks ? length - 2 : length;
    const known = split(text)
      .filter((word) => !knownOnly || ids.has(word))
      .slice(0, room)
      .map((word) => ids.get(word) ?? special.unknown);
    values.set(marks ? [special.start, ...known, special.separator] : known, row * length);
  }
  return { size, x: { values, shape: [length] }, y: { values: labels, shape: [] } };
}

/** The texts without the words that those of `seen` do not have: their ids become padding. */
export function withoutUnseen(texts: Split, seen: Split): Split {
  const known = new Set(seen.x.values as Int32Array);
  const values = (texts.x.values as Int32Array).map((id) => (known.has(id) ? id : special.padding));
  return { ...texts, x: { ...texts.x, values } };
}

/**
 * Parts training texts into whole sentences to choose settings by, and what shares no phrase with them: SST-2's training set
 * has every phrase of its sentences, and its development set sentences alone.
 *
 * @returns Indexes of `heldOut` sentences of 8 words or more, and of the other texts, without those of 3 words or more that
 *   are part of one.
 */
export function holdOutSentences(
  texts: readonly string[],
  heldOut: number,
  random: Random,
): { readonly heldOut: Int32Array; readonly rest: Int32Array } {
  const words = texts.map(split);
  const parts = new Set<string>();
  const addParts = (text: readonly string[], shortest: number) => {
    for (let from = 0; from < text.length; from++)
      for (let to = from + shortest; to <= text.length; to++) parts.add(text.slice(from, to).join(' '));
  };
  const sentences: number[] = [];
  for (const i of Array.from(words.keys()).sort((a, b) => words[b]!.length - words[a]!.length)) {
    if (words[i]!.length < 8) break;
    if (parts.has(words[i]!.join(' '))) continue;
    sentences.push(i);
    addParts(words[i]!, 8);
  }
  const order = random.permutation(sentences.length);
  const held = Int32Array.from(order.subarray(0, heldOut), (at) => sentences[at]!);
  parts.clear();
  for (const i of held) addParts(words[i]!, 3);
  const out = new Set(held);
  const rest = Array.from(words.keys()).filter((i) => !out.has(i) && !parts.has(words[i]!.join(' ')));
  return { heldOut: held, rest: Int32Array.from(rest) };
}

function split(text: string): string[] {
  return text.toLowerCase().split(/\s+/).filter(Boolean);
}
