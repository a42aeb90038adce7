import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeTexts, maskTokens, wordPiece, type WordPiece } from '@ockham/core/datasets';
import fixture from './fixtures/wordpiece/cases.json' with { type: 'json' };

interface Case {
  readonly texts: readonly [string, string?];
  readonly length?: number;
  readonly uncased: { readonly ids: readonly number[]; readonly types: readonly number[] };
  readonly cased: { readonly ids: readonly number[]; readonly types: readonly number[] };
  readonly published: readonly number[];
}
const cases = fixture.cases as unknown as readonly Case[];

const root = fileURLToPath(new URL('../../..', import.meta.url));
const named = process.env['OCKHAM_DATA'];
const published = [resolve(named ?? ''), resolve(root, named ?? '')]
  .map((folder) => join(folder, 'bert-vocab', 'vocab.txt'))
  .find((path) => named !== undefined && existsSync(path));

let uncased: WordPiece;
let cased: WordPiece;
beforeAll(async () => {
  uncased = await wordPiece(fixture.vocabulary);
  cased = await wordPiece(fixture.vocabulary, { lowerCase: false });
});

describe('WordPiece', () => {
  it.each(cases.map((one) => [`${JSON.stringify(one.texts)}${one.length ?? ''}`, one] as const))(
    'splits %s as the Python tokeniser does',
    (_, { texts, length, ...wanted }) => {
      expect(uncased.encode(...texts, ...(texts.length === 1 ? [undefined] : []), length)).toEqual(
        wanted.uncased,
      );
      expect(cased.encode(...texts, ...(texts.length === 1 ? [undefined] : []), length)).toEqual(
        wanted.cased,
      );
    },
  );

  it.runIf(published)('splits them likewise with the published vocabulary', async () => {
    const tokenizer = await wordPiece(await readFile(published!, 'utf8'));
    expect(tokenizer.vocabulary).toHaveLength(30522);
    expect(tokenizer.special).toEqual({ padding: 0, unknown: 100, start: 101, separator: 102, mask: 103 });
    for (const { texts, length, published: wanted } of cases) {
      const [first, second] = texts;
      expect(tokenizer.encode(first, second, length).ids, JSON.stringify(texts)).toEqual(wanted);
    }
  });

  it('lower-cases a final sigma as the published code does, where others go letter by letter', () => {
    expect(uncased.encode('ΟΔΟΣ')).toEqual(uncased.encode('οδος'));
  });

  it('keeps within the length and the vocabulary for any text, and loses nothing of the shorter one first', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 3, max: 20 }),
        (a, b, n) => {
          const { ids, types } = uncased.encode(a, b, n);
          const whole = uncased.encode(a, b);
          expect(ids).toHaveLength(Math.min(n, whole.ids.length));
          expect(ids.every((id) => id >= 0 && id < fixture.vocabulary.length)).toBe(true);
          expect(types).toHaveLength(ids.length);
          const [longest, all] = [types, whole.types].map((t) => t.filter((type) => type === 1).length) as [
            number,
            number,
          ];
          if (longest < all) expect(ids.length - longest - 1).toBeLessThanOrEqual(longest + 1);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('reads a vocabulary file with or without carriage returns, and joins pieces again', async () => {
    const lines = fixture.vocabulary.join('\r\n') + '\r\n';
    expect((await wordPiece(lines)).vocabulary).toEqual(fixture.vocabulary);
    expect(uncased.decode(uncased.encode('Unaffable, the cat').ids)).toBe('unaffable , the cat');
  });

  it('refuses a vocabulary that is none and a length without room', async () => {
    await expect(wordPiece('a\nb\n')).rejects.toThrow(/must have \[PAD\].*is missing of 2 tokens/);
    await expect(wordPiece([...fixture.vocabulary, 'cat'])).rejects.toThrow(/'cat' twice/);
    await expect(wordPiece(['new', ...fixture.vocabulary])).rejects.toThrow(/\[PAD\] must be token 0.*got 1/);
    expect(() => uncased.encode('a', 'b', 2)).toThrow(/length must be an integer ≥ 3.*got 2/);
  });
});

describe('encodeTexts', () => {
  it('packs single texts as ids and pairs as ids and types, padded with 0, and counts what it cut off', async () => {
    expect(await encodeTexts(uncased, ['hello', 'hello world hello'], undefined, { length: 4 })).toEqual({
      values: Int32Array.from([2, 5, 3, 0, 2, 5, 6, 3]),
      shape: [4],
      truncated: 1,
    });
    expect(await encodeTexts(uncased, ['hello'], ['world'], { length: 6 })).toEqual({
      values: Int32Array.from([2, 0, 5, 0, 3, 0, 6, 1, 3, 1, 0, 0]),
      shape: [6, 2],
      truncated: 0,
    });
    expect((await encodeTexts(uncased, ['hello'], ['world'], { length: 6, input: 'ids' })).shape).toEqual([
      6,
    ]);
  });

  it('refuses pairs that do not match and a length without room', async () => {
    await expect(encodeTexts(uncased, ['a'], [])).rejects.toThrow(
      /a second text for each first one, got 0 for 1/,
    );
    await expect(encodeTexts(uncased, ['a'], undefined, { length: 2 })).rejects.toThrow(
      /length must be an integer > 2/,
    );
  });

  it('reports progress and stops when asked to', async () => {
    const texts = new Array<string>(2500).fill('a cat');
    const done: number[] = [];
    await encodeTexts(uncased, texts, undefined, { length: 4, progress: (event) => done.push(event.done) });
    expect(done).toEqual([1000, 2000]);
    const controller = new AbortController();
    const stopped = encodeTexts(uncased, texts, undefined, {
      length: 4,
      progress: () => controller.abort(),
      signal: controller.signal,
    });
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('maskTokens', () => {
  const column = {
    values: Int32Array.from({ length: 40_000 }, (_, i) => (i % 20 ? 5 + (i % 7) : 2)),
    shape: [20],
  };

  it('asks for 15 % of the words: 80 % hidden, 10 % replaced, 10 % left', () => {
    const { size, x, y } = maskTokens(column, uncased, { seed: 3 });
    expect([size, x.shape, y.shape]).toEqual([2000, [20], [20]]);
    let [asked, hidden, left, wrong] = [0, 0, 0, 0];
    for (const [i, id] of y.values.entries()) {
      if (id < 0) {
        if (x.values[i] !== column.values[i]) wrong += 1;
        continue;
      }
      asked += 1;
      if (id !== column.values[i] || i % 20 === 0) wrong += 1; // [CLS] is no word
      if (x.values[i] === uncased.special.mask) hidden += 1;
      else if (x.values[i] === id) left += 1;
    }
    expect(wrong).toBe(0);
    expect(asked / 38_000).toBeCloseTo(0.15, 2);
    expect(hidden / asked).toBeCloseTo(0.8, 1);
    expect(left / asked).toBeCloseTo(0.1, 1);
  });

  it('repeats itself for a seed, keeps token types, and refuses shares out of range', () => {
    const pairs = { values: column.values, shape: [10, 2] };
    const first = maskTokens(pairs, uncased, { seed: 4 });
    expect(maskTokens(pairs, uncased, { seed: 4 })).toEqual(first);
    expect(maskTokens(pairs, uncased, { seed: 5 })).not.toEqual(first);
    expect(first.y.shape).toEqual([10]);
    expect(first.x.values.filter((_, i) => i % 2 === 1)).toEqual(column.values.filter((_, i) => i % 2 === 1));
    expect(() => maskTokens(column, uncased, { share: 0 })).toThrow(
      /share must be in \(0, 1\], the fraction of words to predict; got 0/,
    );
  });
});
