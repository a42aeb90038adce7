import { gzipSync } from 'node:zlib';
import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

it('a browser downloads at most 60 KB of kernels, compressed, all builds together', async () => {
  const folder = new URL('../../src/kernels/generated/', import.meta.url);
  const sizes = await Promise.all(
    (await readdir(folder)).map(async (name) => gzipSync(await readFile(new URL(name, folder))).length),
  );
  expect(sizes.length).toBe(4);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(60 * 1024);
});
