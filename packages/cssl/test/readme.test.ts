import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { printedByExample, runExample, runRepositoryExample } from '@ockham/release/readme';
import { expect, it } from 'vitest';

const own = new URL('../README.md', import.meta.url);

it('the first example of the README runs and prints what the README says', async () => {
  expect(await runExample(own)).toBe(printedByExample(await readFile(own, 'utf8')));
}, 180_000);

/** A block as a function of the names that it takes for given; what it declares or imports itself comes first. */
function functionOf(block: string): string {
  const code = block
    .replaceAll(/^import ({[^}]*}) from ('.*');/gm, 'const $1 = await import($2);')
    .replaceAll(/^import ('.*');/gm, 'await import($1);');
  return `async ({ ${given.join(', ')} }) => { { ${code} } }`;
}

const given = ['data', 'stream', 'x', 'pixels', 'label', 'batch', 'learner'];

it('every other example of the README runs, in its order', async () => {
  const readme = await readFile(own, 'utf8');
  const blocks = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block]) => functionOf(block!));
  expect(blocks.length).toBeGreaterThan(5);
  const folder = await mkdtemp(join(tmpdir(), 'ockham-'));
  const program = `
    import { names } from './test/fixtures/readme-names.ts';
    process.chdir(${JSON.stringify(folder)});
    for (const example of [${blocks.join(',\n')}]) await example(names());
    console.log('done');`;
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--conditions=@ockham/source', '--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program], // prettier-ignore
      { cwd: fileURLToPath(new URL('..', import.meta.url)), env: { ...process.env, OCKHAM_CACHE: folder } },
    );
    expect(stdout).toBe('done\n');
  } finally {
    await rm(folder, { recursive: true });
  }
}, 180_000);

it('the example of the repository README learns digits from a stream', async () => {
  expect(await runRepositoryExample(new URL('../', import.meta.url))).toMatch(
    /^test accuracy 0\.[4-9]\d* on all classes, \d+ bytes of replay\n$/m,
  );
}, 120_000);
