import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { corpusDataset, encodeCorpus, wordPiece, type TextCorpus } from '@ockham/core/datasets';
import { textCorpus, type CorpusName } from '@ockham/core/datasets/node';
import fixture from './fixtures/wordpiece/cases.json' with { type: 'json' };

const OCKHAM_DATA = process.env['OCKHAM_DATA'];

let root: string;
beforeEach(async () => {
  vi.stubEnv('OCKHAM_DATA', '');
  vi.stubEnv('OCKHAM_CACHE', '');
  root = await mkdtemp(join(tmpdir(), 'ockham-corpus-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true });
});

const corpus = (train: string, test: string): TextCorpus => ({
  name: 'made',
  train,
  test,
  provenance: { source: 'memory', checksums: {} },
});

describe('corpusDataset', () => {
  it('cuts characters into windows whose targets are one further on', () => {
    const { train, test, classes } = corpusDataset(corpus('abbaabb', 'bax'), {
      unit: 'character',
      length: 2,
    });
    expect(classes).toEqual(['[PAD]', '[UNK]', 'b', 'a']);
    expect([...train.x.values]).toEqual([3, 2, 2, 3, 3, 2]);
    expect([...train.y.values]).toEqual([2, 2, 3, 3, 2, 2]);
    expect([train.size, train.x.shape, train.y.shape]).toEqual([3, [2], [2]]);
    expect([[...test.x.values], [...test.y.values]]).toEqual([
      [2, 3],
      [3, 1], // x is unknown
    ]);
  });

  it('ends every line of words with <eos>, an empty one too, and keeps characters beyond U+FFFF whole', () => {
    const words = corpusDataset(corpus(' the cat \n\nthe end\n', 'a\n'), { unit: 'word', length: 1 });
    expect(words.classes.slice(2)).toEqual(['<eos>', 'the', 'cat', 'end']);
    expect([...words.train.x.values, words.train.y.values.at(-1)]).toEqual([3, 4, 2, 2, 3, 5, 2]);
    expect(words.test.y.values).toEqual(Int32Array.from([2]));
    const faces = corpusDataset(corpus('😀😀x', '😀x'), { unit: 'character', length: 1 });
    expect(faces.classes.slice(2)).toEqual(['😀', 'x']);
  });

  it('refuses a text that is shorter than a window', () => {
    const short = () => corpusDataset(corpus('abc', 'ab'), { unit: 'character', length: 2 });
    expect(short).toThrow(/the test text must have more than length = 2 tokens, got 2/);
    expect(() => corpusDataset(corpus('abc', 'ab'), { unit: 'line' as never, length: 1 })).toThrow(
      /'character' or 'word'/,
    );
    expect(() => corpusDataset(corpus('a', 'b'), { unit: 'word', length: 0 })).toThrow(
      /length must be an integer ≥ 1/,
    );
  });
});

describe('encodeCorpus', () => {
  it('fills windows of WordPiece ids between the marks and pads the last', async () => {
    const tokenizer = await wordPiece(fixture.vocabulary);
    const { values, shape } = encodeCorpus(tokenizer, 'hello world\n\nthe cat sat\n', { length: 5 });
    expect(shape).toEqual([5]);
    expect([...values]).toEqual([2, 5, 6, 8, 3, 2, 10, 11, 3, 0]);
    expect(() => encodeCorpus(tokenizer, ' \n', { length: 5 })).toThrow(/at least one token, got none/);
    expect(() => encodeCorpus(tokenizer, 'a', { length: 2 })).toThrow(/length must be an integer ≥ 3/);
  });
});

describe('textCorpus', () => {
  it('names what is missing, and refuses a file of another length', async () => {
    await expect(textCorpus('wikitext-2', { cache: root })).rejects.toMatchObject({
      code: 'dataset-missing',
      message: expect.stringMatching(
        /Put wikitext-2\/wiki\.train\.tokens and wikitext-2\/wiki\.test\.tokens, or lm-text\/wikitext2\.valid\.txt and/,
      ),
    });
    await mkdir(join(root, 'lm-text'));
    await writeFile(join(root, 'lm-text', 'tinyshakespeare.txt'), 'to be\n');
    await expect(textCorpus('tinyshakespeare', { folder: root })).rejects.toMatchObject({
      code: 'checksum-mismatch',
    });
    await expect(textCorpus('bible' as CorpusName)).rejects.toThrow(
      /must be one of wikitext-2, tinyshakespeare/,
    );
  });

  describe.runIf(OCKHAM_DATA)('of the published files', () => {
    beforeEach(() => vi.stubEnv('OCKHAM_DATA', OCKHAM_DATA));

    it('says which part of WikiText-2 it is, of as many tokens as published', async () => {
      const texts = await textCorpus('wikitext-2');
      expect(texts.provenance.note).toMatch(/^Part of WikiText-2: its validation text/);
      const { train, test } = corpusDataset(texts, { unit: 'word', length: 1 });
      expect([train.size + 1, test.size + 1]).toEqual([217_646, 245_569]);
    });

    it('splits tinyshakespeare after nine tenths of its characters', async () => {
      const texts = await textCorpus('tinyshakespeare');
      expect([texts.train.length, texts.test.length]).toEqual([1_003_854, 111_540]);
      expect(texts.provenance.note).toBeUndefined();
      const { classes, train } = corpusDataset(texts, { unit: 'character', length: 64 });
      expect(classes).toHaveLength(2 + 65);
      expect(train.size).toBe(15_685);
    });
  });
});
