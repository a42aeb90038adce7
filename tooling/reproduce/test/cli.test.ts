import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readOptions } from '../src/options.ts';
import { parseResult } from '../src/result.ts';
import { startCli, toyWorkspace } from './toy-workspace.ts';

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('ockham-reproduce', () => {
  it('stops on Ctrl-C with exit code 130, and goes on from there without repeating what is finished', async () => {
    const { toy } = await toyWorkspace();
    await writeFile(join(toy, 'pause'), '');
    const stopped = startCli(toy, ['--scale', 'standard']);
    await until(() => existsSync(join(toy, 'waiting')));
    stopped.interrupt();
    const { code, stdout } = await stopped.ended;
    expect(stdout).toContain('the same command goes on from there');
    expect(code).toBe(130);
    expect(existsSync(join(toy, 'reproduce/results/standard/line.json'))).toBe(false);

    await rm(join(toy, 'pause'));
    const again = await startCli(toy, ['--scale', 'standard']).ended;
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout).toContain('seed 0 is kept from an earlier run');
    expect(again.stdout).toContain('1 reproduced, 0 not reproduced, 0 inconclusive, 0 skipped');
    expect(await readFile(join(toy, 'worked.log'), 'utf8')).toBe('0\n1\n2\n');

    await writeFile(join(toy, 'src/offset.ts'), 'export const offset: number = -5;\n');
    const changed = await startCli(toy, ['--seeds', '2'], {
      OCKHAM_SEED: '3',
      OCKHAM_SCALE: 'standard',
      TURBO_HASH: 'x',
    }).ended;
    expect(changed.stdout).toContain('1 not reproduced');
    expect(changed.code).toBe(0);
    const path = join(toy, 'reproduce/results/standard/line.json');
    expect(parseResult(await readFile(path, 'utf8'), path).provenance.seeds).toEqual([3, 4]);
    expect(await readFile(join(toy, 'reproduce/results/.cache/standard/line.json'), 'utf8')).toBe(
      await readFile(path, 'utf8'),
    );
  });

  it('says what is wrong in one line, without a stack, and ends with 1', async () => {
    const { toy } = await toyWorkspace();
    const { code, stderr } = await startCli(toy, ['--only', 'figure-9']).ended;
    expect(code).toBe(1);
    expect(stderr).toBe('ockham-reproduce: --only must name one of toy/line; got figure-9.\n');
  });
});

describe('readOptions', () => {
  it('takes the command line before the environment, and the standard scale by default', () => {
    expect(readOptions([], {})).toEqual({
      command: 'run',
      scale: 'standard',
      firstSeed: 0,
      seeds: undefined,
      engine: 'auto',
      only: [],
      fresh: false,
    });
    const env = { OCKHAM_SCALE: 'smoke', OCKHAM_SEED: '7', OCKHAM_ENGINE: 'cpu' };
    expect(readOptions(['--', '--scale', 'paper', '--only', 'a', '--only', 'b'], env)).toMatchObject({
      scale: 'paper',
      firstSeed: 7,
      engine: 'cpu',
      only: ['a', 'b'],
    });
  });

  it.each([
    [['--sclae', 'smoke'], {}, /Unknown option '--sclae'.*See --help/],
    [['--redraw', '--cards'], {}, /--redraw and --cards cannot be combined/],
    [[], { OCKHAM_SCALE: 'huge' }, /scale must be one of smoke, standard, paper; got huge/],
    [['--engine', 'gpu'], {}, /engine must be one of auto, .*; got gpu/],
    [['--seeds', '0'], {}, /--seeds must be an integer ≥ 1, got 0/],
    [[], { OCKHAM_SEED: '1.5' }, /OCKHAM_SEED must be an integer ≥ 0, got 1.5/],
  ])('refuses %j with %j', (args, env, message) => {
    expect(() => readOptions(args, env)).toThrow(message);
  });
});
