import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readOptions } from '../src/options.ts';
import type { Result } from '../src/result.ts';
import { parseResult } from '../src/result.ts';
import { startCli, timedSource, toyWorkspace } from './toy-workspace.ts';

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('ockham-reproduce', () => {
  it('stops on Ctrl-C with exit code 130, and goes on from there without repeating what is finished', async () => {
    const { toy } = await toyWorkspace();
    await writeFile(join(toy, 'pause'), '');
    const stopped = startCli(toy, ['--scale', 'standard', '--jobs', '1']);
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
    }).ended;
    expect(changed.stdout).toContain('1 not reproduced');
    expect(changed.code).toBe(0);
    const path = join(toy, 'reproduce/results/standard/line.json');
    expect(parseResult(await readFile(path, 'utf8'), path).provenance.seeds).toEqual([3, 4]);
  });

  it('gives the same rows in the same order for any number of jobs, each on one thread', async () => {
    const results: Result[] = [];
    for (const jobs of ['1', '3']) {
      const { toy } = await toyWorkspace();
      const { code, stdout } = await startCli(toy, ['--jobs', jobs, '--scale', 'standard']).ended;
      expect(code).toBe(0);
      expect(stdout).toContain(`${jobs} job`);
      const path = join(toy, 'reproduce/results/standard/line.json');
      results.push(parseResult(await readFile(path, 'utf8'), path));
    }
    const [one, three] = results as [Result, Result];
    expect(three.rows).toEqual(one.rows);
    expect(three.provenance.key).toBe(one.provenance.key);
    expect([one.provenance.jobs, three.provenance.jobs]).toEqual([1, 3]);
    expect(three.provenance.engine.threads ?? 1).toBe(1);
  });

  it('runs what measures time while nothing else runs, in a process of its own with every core', async () => {
    const { toy } = await toyWorkspace();
    await rm(join(toy, 'reproduce/line.experiment.ts'));
    await writeFile(join(toy, 'reproduce/a.experiment.ts'), timedSource('a', true));
    await writeFile(join(toy, 'reproduce/b.experiment.ts'), timedSource('b', false));
    const { code } = await startCli(toy, ['--jobs', '2', '--scale', 'smoke'], { OMP_NUM_THREADS: '5' }).ended;
    expect(code).toBe(0);
    const order = (await readFile(join(toy, 'order.log'), 'utf8')).trim().split('\n');
    expect(order.slice(0, 4).every((line) => line.startsWith('b'))).toBe(true);
    expect(order.slice(4)).toEqual(['a begins', 'a ends', 'a begins', 'a ends']);
    const threadsOf = async (name: string) => {
      const path = join(toy, `reproduce/results/smoke/${name}.json`);
      return parseResult(await readFile(path, 'utf8'), path).rows;
    };
    expect(await threadsOf('a')).toMatchObject([{ threads: '5' }, { threads: '5' }]);
    expect(await threadsOf('b')).toMatchObject([{ threads: '1' }, { threads: '1' }]);
  });

  it('names a process that was killed, and repeats its seed alone the next time', async () => {
    const { toy } = await toyWorkspace();
    await writeFile(join(toy, 'killed'), '');
    const { code, stdout } = await startCli(toy, ['--jobs', '1', '--scale', 'standard']).ended;
    expect(code).toBe(1);
    expect(stdout).toContain(
      'toy/line failed: ockham-reproduce: the process that worked must go on, but ended with SIGKILL.',
    );
    await rm(join(toy, 'killed'));
    expect(await startCli(toy, ['--jobs', '1', '--scale', 'standard']).ended).toMatchObject({ code: 0 });
    expect(await readFile(join(toy, 'worked.log'), 'utf8')).toBe('0\n1\n1\n2\n');
  });

  it('runs every package of the workspace, then writes the report', async () => {
    const { workspace, toy } = await toyWorkspace();
    const { code, stdout } = await startCli(toy, ['--all', '--scale', 'smoke']).ended;
    expect(code).toBe(0);
    expect(stdout).toContain('Claims: 1 reproduced');
    expect(existsSync(join(workspace, 'report/index.html'))).toBe(true);
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
      all: false,
      jobs: undefined,
      fresh: false,
    });
    const env = { OCKHAM_SCALE: 'smoke', OCKHAM_SEED: '7', OCKHAM_ENGINE: 'cpu', OCKHAM_JOBS: '3' };
    expect(readOptions(['--', '--scale', 'paper', '--only', 'a', '--only', 'b'], env)).toMatchObject({
      scale: 'paper',
      firstSeed: 7,
      engine: 'cpu',
      only: ['a', 'b'],
    });
  });

  it.each([
    [['--sclae', 'smoke'], {}, /Unknown option '--sclae'.*See --help/],
    [['--all', '--only', 'a'], {}, /--all cannot be combined with --only/],
    [['--jobs', '0'], {}, /the number of jobs must be an integer ≥ 1, got 0/],
    [['--redraw', '--cards'], {}, /--redraw and --cards cannot be combined/],
    [[], { OCKHAM_SCALE: 'huge' }, /scale must be one of smoke, standard, extended, paper; got huge/],
    [['--engine', 'gpu'], {}, /engine must be one of auto, .*; got gpu/],
    [['--seeds', '0'], {}, /--seeds must be an integer ≥ 1, got 0/],
    [[], { OCKHAM_SEED: '1.5' }, /OCKHAM_SEED must be an integer ≥ 0, got 1.5/],
  ])('refuses %j with %j', (args, env, message) => {
    expect(() => readOptions(args, env)).toThrow(message);
  });
});
