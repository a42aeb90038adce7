import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeTools, startChild } from '../src/index.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'bench-'))));
afterAll(() => rm(folder, { recursive: true }));

it('prepares a piece of work once, and does it at every line', async () => {
  const module = join(folder, 'count.work.mjs');
  const record = join(folder, 'record');
  await writeFile(
    module,
    `import { appendFileSync } from 'node:fs';
     export default async ({ record }) => ({
       versions: { counter: '1.0.0' },
       works: {
         count: async () => {
           appendFileSync(record, 'prepared ');
           return () => appendFileSync(record, 'run ');
         },
       },
     });`,
  );
  const { tools, stop } = makeTools(false);
  const child = await tools.work(pathToFileURL(module), { record });
  expect(child.versions).toEqual({ counter: '1.0.0' });
  await child.run('count');
  await child.run('count');
  stop();
  const { readFile } = await import('node:fs/promises');
  expect(await readFile(record, 'utf8')).toBe('prepared run run ');
});

it('says what a process wrote where it ends early', async () => {
  const script = ['-e', "console.error('no such module'); process.exit(3)"];
  await expect(startChild(process.execPath, script)).rejects.toThrow(/it ended. no such module/);
});

it('says so where a command does not start', async () => {
  await expect(startChild(join(folder, 'absent'), [])).rejects.toThrow('must start');
});
