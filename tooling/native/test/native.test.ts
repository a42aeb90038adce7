import { BlobWriter, TextReader, ZipWriter } from '@zip.js/zip.js';
import { createTarGzip } from 'nanotar';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nativeFolder } from '@ockham/core/backend/node';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { buildNative } from '../src/build.ts';
import { verify } from '../src/fetch.ts';
import { run } from '../src/run.ts';
import { unpackLibraries, unpackPackage } from '../src/unpack.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ockham-native-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

it('a folder that an earlier run finished is not built again', async () => {
  vi.stubEnv('OCKHAM_CACHE', folder);
  const built = nativeFolder();
  await mkdir(built, { recursive: true });
  await writeFile(join(built, 'ockham-native.json'), JSON.stringify({ layout: 1, tensorflow: '2.18.1' }));
  const said: string[] = [];
  const result = await buildNative((line) => said.push(line));
  expect(result).toEqual({ folder: built, tensorflow: '2.18.1', built: false });
  expect(said).toEqual([]);
});

it.runIf(`${process.platform}-${process.arch}` === 'linux-x64')(
  'a cache that cannot be written is refused before anything is downloaded',
  async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    vi.stubEnv('OCKHAM_CACHE', join(file, 'cache'));
    await expect(buildNative(() => undefined)).rejects.toMatchObject({
      code: 'storage-failed',
      message: expect.stringContaining('Name a writable folder in OCKHAM_CACHE.') as string,
    });
  },
);

it('a download that is not the pinned one is refused', async () => {
  const file = join(folder, 'a.whl');
  await writeFile(file, 'ab');
  // printf ab | sha256sum
  const sha256 = 'fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603';
  await expect(verify(file, { what: 'the wheel', bytes: 2, sha256 })).resolves.toBeUndefined();
  await writeFile(file, 'aB');
  await expect(verify(file, { what: 'the wheel', bytes: 2, sha256 })).rejects.toMatchObject({
    code: 'checksum-mismatch',
    message: expect.stringContaining(`the wheel must have SHA-256 ${sha256}, got `) as string,
  });
});

it('of a package only the sources and the JavaScript are unpacked, and nothing outside of its folder', async () => {
  const files = ['dist/index.js', 'binding/a.cc', 'package.json', 'src/index.ts', 'dist/../../escaped.js'];
  const tgz = join(folder, 'package.tgz');
  await writeFile(tgz, await createTarGzip(files.map((name) => ({ name: `package/${name}`, data: name }))));
  const target = join(folder, 'home');
  await unpackPackage(tgz, target);
  expect((await readdir(target, { recursive: true })).sort()).toEqual(
    ['binding', 'binding/a.cc', 'dist', 'dist/index.js', 'package.json'].sort(),
  );
  expect(existsSync(join(folder, 'escaped.js'))).toBe(false);
});

it('the named libraries are unpacked from an archive, and one that is not there is an error', async () => {
  const zip = new ZipWriter(new BlobWriter());
  await zip.add('tensorflow/a.so', new TextReader('library a'));
  await zip.add('tensorflow/python/b.py', new TextReader('not wanted'));
  const archive = join(folder, 'wheel.whl');
  await writeFile(archive, Buffer.from(await (await zip.close()).arrayBuffer()));
  const target = join(folder, 'lib');
  await unpackLibraries(archive, 'tensorflow', ['a.so'], target);
  expect(await readdir(target)).toEqual(['a.so']);
  expect(await readFile(join(target, 'a.so'), 'utf8')).toBe('library a');
  await expect(unpackLibraries(archive, 'tensorflow', ['c.so'], target)).rejects.toMatchObject({
    code: 'corrupt-file',
  });
});

it('a program that fails says so with its last lines and what to do', async () => {
  const script = "console.error('the reason'); process.exit(3)";
  await expect(run(process.execPath, ['-e', script], { hint: 'Try again.' })).rejects.toMatchObject({
    code: 'engine-unavailable',
    message: `native: ${process.execPath} ended with exit code 3. Try again.\nthe reason`,
  });
  await expect(run('no-such-program', [], { hint: 'Install it.' })).rejects.toMatchObject({
    message: expect.stringMatching(/^native: no-such-program did not start \(.*\)\. Install it\.$/) as string,
  });
});
