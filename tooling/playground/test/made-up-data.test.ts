import { Random } from '@ockham/core/random';
import { describe, expect, it } from 'vitest';
import { drawTexts, LENGTH as TEXT, TOPICS, VOCABULARY } from '../src/embeddings/texts.ts';
import { drawSentences, encode, LENGTH, praises, TURNED, WORDS } from '../src/lora/sentences.ts';

describe('sentences', () => {
  it('follow the rule: not turns an adjective round, the slang turns five', () => {
    expect(praises('good', false, 'plain')).toBe(true);
    expect(praises('good', true, 'plain')).toBe(false);
    expect(praises('good', false, 'slang')).toBe(true);
    expect(praises('rude', false, 'slang')).toBe(false);
    for (const adjective of TURNED) {
      expect(praises(adjective, false, 'plain')).toBe(false);
      expect(praises(adjective, false, 'slang')).toBe(true);
      expect(praises(adjective, true, 'slang')).toBe(false);
    }
  });

  it('are the same for the same seed, fit the model, and have no word that it does not know', () => {
    const draw = (seed: number) => drawSentences(500, 'slang', new Random(seed));
    expect(draw(3)).toEqual(draw(3));
    expect(draw(3)).not.toEqual(draw(4));
    expect(draw(3).flatMap(({ words }) => words.filter((word) => !WORDS.includes(word)))).toEqual([]);
    expect(Math.max(...draw(3).map(({ words }) => words.length))).toBeLessThanOrEqual(LENGTH);
  });

  it('of a visitor may hold anything: other words are counted as unknown, what is too long is cut', () => {
    expect(encode('The SOUP was nice!')).toEqual({
      ids: Int32Array.from([
        WORDS.indexOf('the'),
        WORDS.indexOf('soup'),
        WORDS.indexOf('was'),
        1,
        0,
        0,
        0,
        0,
        0,
      ]),
      unknown: ['nice'],
    });
    expect(encode('')).toEqual({ ids: new Int32Array(LENGTH), unknown: [] });
    expect(encode('not '.repeat(50)).ids).toEqual(new Int32Array(LENGTH).fill(WORDS.indexOf('not')));
  });
});

describe('texts', () => {
  const { train, test } = drawTexts(1);

  it('have ids of the vocabulary, never the padding, and all topics', () => {
    for (const { size, x, y } of [train, test]) {
      expect(x.values).toHaveLength(size * TEXT);
      expect(Math.min(...x.values)).toBeGreaterThan(0);
      expect(Math.max(...x.values)).toBeLessThan(VOCABULARY);
      expect(new Set(y.values)).toEqual(new Set(Array.from({ length: TOPICS }, (_, topic) => topic)));
    }
  });

  it('are the same for the same seed, and words occur as often as Zipf says', () => {
    expect(drawTexts(1)).toEqual({ train, test });
    const counts = new Float64Array(VOCABULARY);
    for (const id of train.x.values) counts[id]!++;
    const around = (n: number) => counts.slice(n - 5, n + 5).reduce((a, b) => a + b) / 10;
    // 1/(n + 10), the list of a topic holding a quarter of the words
    expect(around(6) / around(100)).toBeGreaterThan(4);
    expect(around(6) / around(100)).toBeLessThan(11);
  });
});
