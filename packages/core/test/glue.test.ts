import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  encodeDataset,
  glueTasks,
  parseGlue,
  wordPiece,
  type GlueTask,
  type WordPiece,
} from '@ockham/core/datasets';
import { bertUncased, glue } from '@ockham/core/datasets/node';
import fixture from './fixtures/wordpiece/cases.json' with { type: 'json' };

const OCKHAM_DATA = process.env['OCKHAM_DATA'];

let tokenizer: WordPiece;
beforeAll(async () => {
  tokenizer = await wordPiece(fixture.vocabulary);
});

let root: string;
beforeEach(async () => {
  vi.stubEnv('OCKHAM_DATA', '');
  vi.stubEnv('OCKHAM_CACHE', '');
  root = await mkdtemp(join(tmpdir(), 'ockham-glue-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true });
});

describe('parseGlue', () => {
  it('finds columns by their names, whatever their order, and splits on tabs only', () => {
    const text =
      '\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n1\t7\t8\tHe said "no\tshe "\u2028did\r\n0\t9\t9\ta\t b \r\n';
    expect(parseGlue('MRPC', text)).toEqual({
      size: 2,
      first: ['He said "no', 'a'],
      second: ['she "\u2028did', ' b '],
      labels: Int32Array.from([1, 0]),
    });
    expect(parseGlue('SST-2', 'label\tsentence\n1\tgood \n')).toEqual({
      size: 1,
      first: ['good '],
      labels: Int32Array.from([1]),
    });
  });

  it('reads a score as a number and MNLI with or without a header', () => {
    expect(parseGlue('STS-B', 'sentence1\tsentence2\tscore\na\tb\t3.250').labels).toEqual(
      Float32Array.from([3.25]),
    );
    const wanted = { size: 1, first: ['p'], second: ['h'], labels: Int32Array.from([2]) };
    expect(parseGlue('MNLI', 'contradiction\tp\th\n')).toEqual(wanted);
    const columns = 'index\tgenre\tsentence1\tsentence2\tlabel1\tgold_label';
    expect(parseGlue('MNLI', `${columns}\n0\tx\tp\th\tneutral\tcontradiction\n`)).toEqual(wanted);
  });

  it('names the line of what it cannot read', () => {
    expect(() => parseGlue('SST-2', 'index\tsentence\n0\ta\n')).toThrow(
      /must have a column 'label', got index, sentence\. A test set of GLUE has no labels/,
    );
    expect(() => parseGlue('RTE', 'sentence1\tsentence2\tlabel\na\tb\tentailment\na\tb\n')).toThrow(
      /line 3 must have at least 3 columns, got 2/,
    );
    expect(() => parseGlue('RTE', 'sentence1\tsentence2\tlabel\na\tb\tyes\n')).toThrow(
      /label in line 2 must be one of entailment, not_entailment, got 'yes'/,
    );
    expect(() => parseGlue('STS-B', 'sentence1\tsentence2\tscore\na\tb\t\n')).toThrow(
      /a score in \[0, 5\], got ''/,
    );
    expect(() => parseGlue('SST-2', '')).toThrow(/must have a column 'sentence', got \./);
  });
});

describe('glue', () => {
  const table = (rows: number) =>
    [
      'index\tsentence1\tsentence2\tlabel',
      ...Array.from({ length: rows }, (_, i) => `${i}\ta\tb\t${i % 2}`),
    ].join('\n');
  const write = async (files: Readonly<Record<string, string>>, ...path: string[]) => {
    await mkdir(join(root, ...path), { recursive: true });
    for (const [name, text] of Object.entries(files)) await writeFile(join(root, ...path, name), text);
  };

  it('takes another copy of the published length, from the folder or the cache, and says so', async () => {
    await write({ 'train.tsv': table(635), 'dev.tsv': table(71) }, 'data', 'glue', 'WNLI');
    const data = await glue('WNLI', { folder: join(root, 'data'), train: 10 });
    expect([data.train.size, data.test.size, data.train.second!.length]).toEqual([10, 71, 10]);
    expect(data.provenance.source).toBe('folder');
    expect(data.provenance.note).toBe(
      'train.tsv was checked by its length only (635), not by a known checksum. ' +
        'dev.tsv was checked by its length only (71), not by a known checksum.',
    );
    expect(Object.keys(data.provenance.checksums)).toEqual(['WNLI/train.tsv', 'WNLI/dev.tsv']);
    await write({ 'train.tsv': table(635), 'dev.tsv': table(71) }, 'cache', 'datasets', 'glue', 'WNLI');
    expect((await glue('WNLI', { cache: join(root, 'cache') })).provenance.source).toBe('cache');
  });

  it('refuses a copy that is cut off, is no text, or is not there', async () => {
    const folder = join(root, 'data');
    await write({ 'train.tsv': table(600), 'dev.tsv': table(71) }, 'data', 'glue', 'WNLI');
    await expect(glue('WNLI', { folder })).rejects.toMatchObject({
      code: 'checksum-mismatch',
      message: expect.stringMatching(
        /train\.tsv must have the SHA-256 9a88.*, or at least the length 635; got .* and 600/,
      ),
    });
    await writeFile(join(folder, 'glue', 'WNLI', 'train.tsv'), new Uint8Array([0x61, 0xff, 0x62]));
    await expect(glue('WNLI', { folder })).rejects.toThrow(/is not UTF-8/);
    await expect(glue('RTE', { folder, cache: join(root, 'cache') })).rejects.toMatchObject({
      code: 'dataset-missing',
      message: expect.stringMatching(/Put glue\/RTE\/train\.tsv and glue\/RTE\/dev\.tsv into the folder/),
    });
    await expect(glue('QQP' as GlueTask)).rejects.toThrow(/must be one of SST-2, MRPC/);
    await expect(glue('RTE', { mismatched: true })).rejects.toThrow(/only MNLI has a mismatched set/);
    await expect(glue('RTE', { train: 0 })).rejects.toThrow(/train must be a positive number/);
    await expect(glue('RTE', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('encodeDataset', () => {
  it('makes tokens of a fixed length and says how many examples were cut off', async () => {
    const examples = { size: 2, first: ['hello', 'the cat sat'], labels: Int32Array.from([0, 1]) };
    const provenance = { source: 'memory', checksums: {}, note: 'Made.' } as const;
    const texts = { name: 'made', train: examples, test: examples, classes: ['a', 'b'], provenance };
    const data = await encodeDataset(texts, tokenizer, { length: 4 });
    expect(data.train).toEqual({
      size: 2,
      x: { values: Int32Array.from([2, 5, 3, 0, 2, 8, 10, 3]), shape: [4] },
      y: { values: Int32Array.from([0, 1]), shape: [] },
    });
    expect(data.provenance.note).toBe('Made. Cut off at 4 tokens: 1 of 2 training and 1 of 2 test examples.');
    expect((await encodeDataset(texts, tokenizer, { length: 9 })).provenance.note).toBe('Made.');
  });
});

describe.runIf(OCKHAM_DATA)('the published files', () => {
  beforeEach(() => vi.stubEnv('OCKHAM_DATA', OCKHAM_DATA));

  const histogram = (labels: ArrayLike<number>, classes: number) => {
    const counts = new Array<number>(classes).fill(0);
    for (let i = 0; i < labels.length; i++) counts[labels[i]!]! += 1;
    return counts;
  };

  it.each([
    ['SST-2', [29780, 37569], [428, 444], undefined],
    ['MRPC', [1194, 2474], [129, 279], undefined],
    ['RTE', [1249, 1241], [146, 131], undefined],
    ['WNLI', [323, 312], [40, 31], undefined],
    [
      'MNLI',
      [346, 319, 335],
      [373, 311, 316],
      /mismatched development set to train and 1,000 of the matched one to test/,
    ],
    ['QNLI', undefined, undefined, /both splits are of the official development set/],
  ] as const)('of %s have the known label counts, and a part says so', async (task, train, test, note) => {
    const data = await glue(task);
    const count = glueTasks[task].labels.length;
    if (train) expect(histogram(data.train.labels, count)).toEqual(train);
    if (test) expect(histogram(data.test.labels, count)).toEqual(test);
    if (task === 'QNLI') expect([data.train.size, data.test.size]).toEqual([4463, 1000]);
    if (note) expect(data.provenance.note).toMatch(note);
    else expect(data.provenance.note).toBeUndefined();
  });

  it('of MNLI test on the mismatched set when asked, and those of STS-B hold scores', async () => {
    const { test, provenance } = await glue('MNLI', { mismatched: true });
    expect(histogram(test.labels, 3)).toEqual([346, 319, 335]);
    expect(provenance.note).toMatch(
      /of the matched development set to train and 1,000 of the mismatched one to test/,
    );
    const similarity = await glue('STS-B');
    expect([similarity.train.size, similarity.test.size, similarity.classes]).toEqual([5749, 1500, []]);
    expect(Math.max(...similarity.train.labels)).toBe(5);
  });

  it('of SST-2 become tokens of the published vocabulary', async () => {
    const published = await bertUncased();
    expect(published.vocabulary).toHaveLength(30522);
    const data = await encodeDataset(await glue('SST-2', { train: 200, test: 50 }), published, {
      length: 64,
    });
    expect(data.train.x.shape).toEqual([64]);
    // "hide new secretions from the parental units"
    expect([...data.train.x.values.slice(0, 11)]).toEqual([
      101, 5342, 2047, 3595, 8496, 2013, 1996, 18643, 3197, 102, 0,
    ]);
    const pairs = await encodeDataset(await glue('RTE', { train: 50, test: 50 }), published, { length: 32 });
    expect(pairs.train.x.shape).toEqual([32, 2]);
    expect(pairs.provenance.note).toMatch(/Cut off at 32 tokens: \d+ of 50 training/);
  });
});
