import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { saveFolder } from '../../src/cli/index.node.ts';

let folder: string;
const at = (name: string) => join(folder, name);
const file = (text: string) => new TextEncoder().encode(text);
const files = new Map([
  ['model.json', file('{}')],
  ['tables/words.safetensors', file('words')],
]);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ockham-save-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('saveFolder', () => {
  it('makes a folder, missing ones above it and below it too, and leaves nothing beside it', async () => {
    await saveFolder(at('a/b/out'), files);
    expect(await readFile(at('a/b/out/tables/words.safetensors'), 'utf8')).toBe('words');
    expect(await readdir(at('a/b'))).toEqual(['out']);
  });

  it('fills an empty folder, and refuses one that is not empty or is a file', async () => {
    await mkdir(at('out'));
    await saveFolder(at('out'), files);
    expect(await readdir(folder)).toEqual(['out']);
    await expect(saveFolder(at('out'), files)).rejects.toThrow('must be new or empty');
    await writeFile(at('note'), '');
    await expect(saveFolder(at('note'), files, { force: true })).rejects.toThrow('is a file');
  });

  it('replaces a former result as a whole where it may: files that the new one lacks are gone', async () => {
    await saveFolder(at('out'), files);
    await saveFolder(at('out'), new Map([['weights.bin', file('w')]]), { force: true });
    expect(await readdir(at('out'))).toEqual(['weights.bin']);
    expect(await readdir(folder)).toEqual(['out']);
  });

  it('never replaces a folder with anything else in it, or one to keep', async () => {
    await saveFolder(at('out'), files);
    await expect(saveFolder(at('out'), files, { force: true, keep: [at('out')] })).rejects.toThrow(
      'folder of the input',
    );
    await writeFile(at('out/thesis.txt'), 'three years');
    await expect(saveFolder(at('out'), files, { force: true })).rejects.toThrow('thesis.txt');
    expect(await readFile(at('out/thesis.txt'), 'utf8')).toBe('three years');
  });

  it('leaves what was there as it was where the disk refuses', async () => {
    await saveFolder(at('out'), files);
    const impossible = new Map([...files, ['model.json/inside', file('x')] as const]); // a file cannot be a folder
    await expect(saveFolder(at('out'), impossible, { force: true })).rejects.toMatchObject({
      code: 'storage-failed',
    });
    expect(await readFile(at('out/model.json'), 'utf8')).toBe('{}');
    expect(await readdir(folder)).toEqual(['out']);
    await writeFile(at('plain'), '');
    await expect(saveFolder(at('plain/out'), files)).rejects.toMatchObject({ code: 'storage-failed' });
    expect(existsSync(at('plain/out'))).toBe(false);
  });
});
