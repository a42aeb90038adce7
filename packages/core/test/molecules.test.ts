import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { molecules } from '@ockham/core/datasets/node';
import { afterEach, beforeEach, expect, it } from 'vitest';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ockham-molecules-'));
  await mkdir(join(folder, 'molecules'));
});
afterEach(() => rm(folder, { recursive: true }));

const put = (name: string, text: string) => writeFile(join(folder, 'molecules', name), text);
const load = () => molecules({ folder, cache: folder });

it('reads the files that the index lists, with their checksums', async () => {
  await put('index.json', '{ "hamiltonians": [{ "name": "b" }, { "name": "a" }] }');
  await put('a.json', '{ "terms": [] }');
  await put('b.json', 'Ä');
  const { files, provenance } = await load();
  expect([...files]).toEqual([
    ['b', 'Ä'],
    ['a', '{ "terms": [] }'],
  ]);
  expect(provenance.source).toBe('folder');
  expect(Object.keys(provenance.checksums)).toEqual(['index.json', 'b.json', 'a.json']);
  expect(provenance.checksums['a.json']).toMatch(/^[0-9a-f]{64}$/);
});

it('says what to put where', async () => {
  await expect(load()).rejects.toThrow('Put molecules/index.json into the folder that OCKHAM_DATA names');
  await put('index.json', '{ "hamiltonians": [{ "name": "a" }] }');
  await expect(load()).rejects.toThrow('index.json lists a.json, which cannot be read');
});

it.each(['{', '{}', '{ "hamiltonians": [] }', '{ "hamiltonians": [{ "name": "../a" }] }'])(
  'refuses the index %s',
  async (text) => {
    await put('index.json', text);
    await expect(load()).rejects.toMatchObject({ code: 'corrupt-file' });
  },
);
