import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { tabular } from '@ockham/core/datasets/node';
import { afterEach, beforeEach, expect, it } from 'vitest';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ockham-tabular-'));
  await mkdir(join(folder, 'tabular'));
});
afterEach(() => rm(folder, { recursive: true }));

const put = (name: string, content: string | Uint8Array) => writeFile(join(folder, 'tabular', name), content);
const load = (...names: string[]) => tabular(names, { folder, cache: folder });

it('reads tables, compressed or not, with their checksums', async () => {
  await put('a.csv.gz', gzipSync('x,y\n1,2\n'));
  await put('b', '+1 1:2\n');
  const { files, provenance } = await load('b', 'a.csv');
  expect([...files]).toEqual([
    ['b', '+1 1:2\n'],
    ['a.csv', 'x,y\n1,2\n'],
  ]);
  expect(provenance.source).toBe('folder');
  expect(Object.keys(provenance.checksums)).toEqual(['b', 'a.csv.gz']);
  expect(provenance.checksums.b).toMatch(/^[0-9a-f]{64}$/);
});

it('says what to put where, and what is broken', async () => {
  await expect(load('a')).rejects.toThrow(
    'Put tabular/a.gz, or tabular/a into the folder that OCKHAM_DATA names',
  );
  await put('a.gz', 'x,y\n');
  await expect(load('a')).rejects.toMatchObject({ code: 'corrupt-file' });
});
