import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { hashLoadedSources } from '../src/loaded-sources.ts';
import { temporaryFolder } from './toy.ts';

it('sees other code, not other comments, types or layout', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'offset.ts');
  const hashOf = async (source: string) => {
    await writeFile(path, source);
    return hashLoadedSources([pathToFileURL(path).href], folder);
  };
  const first = await hashOf('export const offset = 5;\n');
  expect(await hashOf('/** In metres. */\nexport const offset: number = 5; // five\n')).toBe(first);
  expect(await hashOf('export const offset = "// 5";\n')).not.toBe(first);
  expect(await hashOf('export const offset = 6;\n')).not.toBe(first);
});
