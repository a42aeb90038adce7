import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parseResult } from '../src/result.ts';
import { startCli, toyWorkspace } from './toy-workspace.ts';

const CLI = fileURLToPath(new URL('../bin/ockham-reproduce.js', import.meta.url));
const RESULTS = 'reproduce/results/standard';

const resultOf = async (toy: string) => {
  const path = join(toy, RESULTS, 'line.json');
  const { rows, figures, provenance } = parseResult(await readFile(path, 'utf8'), path);
  return { rows, figures, seeds: provenance.seeds, sources: provenance.sources };
};

it('a reproduction that is killed goes on where it was, to the result of one that was not', async () => {
  const [whole, killed] = [await toyWorkspace(), await toyWorkspace()];
  await writeFile(join(killed.toy, 'pause'), '');
  const child = spawn(process.execPath, [CLI, '--scale', 'standard'], {
    cwd: killed.toy,
    env: { ...process.env, OCKHAM_ENGINE: 'wasm', OCKHAM_SCALE: '', OCKHAM_SEED: '' },
    stdio: 'ignore',
  });
  const closed = once(child, 'close');
  while (!existsSync(join(killed.toy, 'waiting'))) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGKILL');
  expect((await closed)[1]).toBe('SIGKILL');
  expect(existsSync(join(killed.toy, RESULTS, 'line.json'))).toBe(false);
  await rm(join(killed.toy, 'pause'));
  const [again, other] = [
    startCli(killed.toy, ['--scale', 'standard']),
    startCli(whole.toy, ['--scale', 'standard']),
  ];
  expect([await again.ended, await other.ended]).toMatchObject([{ code: 0 }, { code: 0 }]);
  expect(await resultOf(killed.toy)).toEqual(await resultOf(whole.toy));
  // seeds may run side by side, but none twice
  const worked = (await readFile(join(killed.toy, 'worked.log'), 'utf8')).trim().split('\n');
  expect(worked.sort()).toEqual(['0', '1', '2']);
}, 240_000);

it('two reproductions at once in one folder both end, with one whole result and nothing torn', async () => {
  const { toy } = await toyWorkspace();
  const both = [startCli(toy, ['--scale', 'standard']), startCli(toy, ['--scale', 'standard'])];
  const ended = await Promise.all(both.map((run) => run.ended));
  expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual([[0, ''], [0, '']]); // prettier-ignore
  expect((await resultOf(toy)).rows).toHaveLength(9);
  const left = (await readdir(join(toy, RESULTS))).sort();
  expect(left).toEqual(['line.json', 'line.svg']);
}, 240_000);
