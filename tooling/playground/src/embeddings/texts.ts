/**
 * Made-up texts with a known rule. Each word belongs to one of four topics, and how often it occurs falls as Zipf's law says.
 * Most words of a text are of its topic, the others of any: to tell the topic one has to know the words.
 */
import type { Split } from '@ockham/core';
import { Random } from '@ockham/core/random';

export const VOCABULARY = 3000;
export const TOPICS = 4;
/** Words of a text. */
export const LENGTH = 12;
/** Chance that a word is drawn from the topic of its text. */
const OWN = 0.55;

/** Texts to learn from and to test on. */
export function drawTexts(seed: number): { readonly train: Split; readonly test: Split } {
  const random = new Random(seed).stream('texts');
  const topicOf = random
    .stream('topics')
    .permutation(VOCABULARY)
    .map((n) => n % TOPICS);
  const all = Array.from({ length: VOCABULARY - 1 }, (_, i) => i + 1); // 0 is padding
  const drawAny = zipf(all);
  const drawOf = Array.from({ length: TOPICS }, (_, topic) =>
    zipf(all.filter((word) => topicOf[word] === topic)),
  );
  const draw = (size: number, stream: Random): Split => {
    const ids = new Int32Array(size * LENGTH);
    const topics = Int32Array.from({ length: size }, () => stream.integer(TOPICS));
    for (let i = 0; i < ids.length; i++) {
      const own = stream.uniform() < OWN;
      ids[i] = (own ? drawOf[topics[Math.floor(i / LENGTH)]!]! : drawAny)(stream);
    }
    return { size, x: { values: ids, shape: [LENGTH] }, y: { values: topics, shape: [] } };
  };
  return { train: draw(4000, random.stream('train')), test: draw(1000, random.stream('test')) };
}

/** Draws words so that the n-th of the list comes in proportion to 1/(n + 10). */
function zipf(words: readonly number[]): (random: Random) => number {
  const sums = new Float64Array(words.length);
  words.forEach((_, i) => (sums[i] = (sums[i - 1] ?? 0) + 1 / (i + 10)));
  return (random) => {
    const at = random.uniform() * sums.at(-1)!;
    let low = 0;
    for (let high = words.length - 1; low < high;) {
      const middle = (low + high) >> 1;
      if (sums[middle]! > at) high = middle;
      else low = middle + 1;
    }
    return words[low]!;
  };
}
