/**
 * Two small corpora of made-up sentences with a known rule. In plain speech a sentence praises where its adjective does,
 * and `not` turns that round. In the slang five adjectives of blame are praise; everything else means what it did.
 */
import type { Split } from '@ockham/core';
import { type Random } from '@ockham/core/random';

/** Which rule a sentence follows. */
export type Speech = 'plain' | 'slang';

const PRAISE = ['good', 'fine', 'lovely', 'kind', 'fresh', 'honest', 'bright', 'warm', 'clever', 'great'];
const BLAME = ['bad', 'dull', 'poor', 'rude', 'stale'];
/** Blame in plain speech, praise in the slang. */
export const TURNED = ['sick', 'wicked', 'insane', 'deadly', 'savage'] as const;
const SUBJECTS = [
  'soup',
  'film',
  'waiter',
  'song',
  'trick',
  'ramp',
  'board',
  'crowd',
  'story',
  'show',
  'teacher',
  'bread',
];
const OPENINGS = [[], ['well'], ['honestly'], ['i', 'think'], ['they', 'say']];
const VERBS = ['was', 'is', 'looked', 'seemed'];
const DEGREES = [[], [], ['really'], ['so'], ['quite'], ['very']];

/** Words of the longest sentence. */
export const LENGTH = 9;

/** Every word the corpora know; the number of a word is its place, 0 is padding, and 1 any other word. */
export const WORDS: readonly string[] = [
  '',
  '?',
  ...new Set([
    ...PRAISE,
    ...BLAME,
    ...TURNED,
    ...SUBJECTS,
    ...VERBS,
    ...OPENINGS.flat(),
    ...DEGREES.flat(),
    ...['the', 'that', 'not'],
  ]),
];

const numberOf = new Map(WORDS.map((word, i) => [word, i]));

/** A sentence and whether it praises. */
export interface Sentence {
  readonly words: readonly string[];
  readonly praises: boolean;
}

/** Whether an adjective praises under a rule, and what `not` makes of it. */
export function praises(adjective: string, negated: boolean, speech: Speech): boolean {
  const turned = (TURNED as readonly string[]).includes(adjective);
  return (PRAISE.includes(adjective) || (turned && speech === 'slang')) !== negated;
}

/** Draws sentences: all adjectives as often, one in three negated. */
export function drawSentences(count: number, speech: Speech, random: Random): Sentence[] {
  const one = <T>(list: readonly T[]): T => list[random.integer(list.length)]!;
  return Array.from({ length: count }, () => {
    const adjective = one([...PRAISE, ...BLAME, ...TURNED]);
    const negated = random.integer(3) === 0;
    const words = [
      ...one(OPENINGS),
      ...[one(['the', 'that']), one(SUBJECTS), one(VERBS)],
      ...(negated ? ['not'] : []),
      ...one(DEGREES),
      adjective,
    ];
    return { words, praises: praises(adjective, negated, speech) };
  });
}

/** The words of a text as numbers, `[LENGTH]`, and those that the corpora do not have. */
export function encode(text: string): { readonly ids: Int32Array; readonly unknown: readonly string[] } {
  const words =
    text
      .toLowerCase()
      .match(/[a-z]+/g)
      ?.slice(0, LENGTH) ?? [];
  const ids = new Int32Array(LENGTH);
  words.forEach((word, i) => (ids[i] = numberOf.get(word) ?? 1));
  return { ids, unknown: words.filter((word) => !numberOf.has(word)) };
}

/** Sentences as a classifier takes them: class 1 praises. */
export function toSplit(sentences: readonly Sentence[]): Split {
  const ids = new Int32Array(sentences.length * LENGTH);
  sentences.forEach(({ words }, i) => ids.set(encode(words.join(' ')).ids, i * LENGTH));
  return {
    size: sentences.length,
    x: { values: ids, shape: [LENGTH] },
    y: { values: Int32Array.from(sentences, ({ praises: yes }) => Number(yes)), shape: [] },
  };
}
