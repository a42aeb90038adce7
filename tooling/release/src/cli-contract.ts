import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** What a command line came to. */
export interface CliRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process, as `runCli` of `@ockham/core/cli/node` does, to its exit code. */
export type CliRunner = (
  argv: readonly string[],
  io: {
    readonly out: (text: string) => void;
    readonly err: (text: string) => void;
    readonly signal?: AbortSignal;
  },
) => Promise<number>;

/** One command of a bin. */
export interface CliCase {
  /** For the titles, for example `lowrank merge`. */
  readonly title: string;
  readonly main: CliRunner;
  /** The bin's source. */
  readonly bin: string;
  readonly version: string;
  /** The command's word and its options, without `--out`; `model` and other names are files that `make` makes. */
  readonly args: readonly string[];
  /** The same with so much work that it can be stopped; absent for a command that is done at once. */
  readonly long?: readonly string[];
  /** Makes the files that the arguments name. */
  readonly make: (folder: string) => Promise<void>;
  /** The files of the result, sorted. */
  readonly files: readonly string[];
  /** An option with a value out of its range. */
  readonly outOfRange: readonly string[];
  /** Whether another seed gives other bytes. */
  readonly seeded: boolean;
  /** Tensors that are alive. */
  readonly tensors: () => number;
}

/** The sentences that hold for every bin. */
export function cliContract(cases: readonly CliCase[]): void {
  describe.each(cases)('$title', (one) => {
    const { main, args, make, long } = one;
    let folder: string;
    let before: string[];
    const at = (name: string) => join(folder, name);
    const run = async (argv: readonly string[], signal?: AbortSignal): Promise<CliRun> => {
      let [out, err] = ['', ''];
      const io = { out: (text: string) => (out += text), err: (text: string) => (err += text) };
      const code = await main(argv, { ...io, ...(signal && { signal }) });
      return { code, out, err };
    };
    /** Arguments with the files' names in the folder. */
    const placed = (words: readonly string[]) =>
      words.map((word) => (before.includes(word) ? at(word) : word));
    const results = () => readdirSync(folder).filter((name) => !before.includes(name));

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'ockham-cli-'));
      await make(folder);
      before = readdirSync(folder);
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    it('prints help with examples and the exit codes, and its version', async () => {
      const word = args[0] === 'model' ? [] : [args[0]!];
      const help = await run([...word, '--help']);
      expect(help).toMatchObject({ code: 0, err: '' });
      expect(help.out).toMatch(/^Usage: npx @ockham\/\S+ /);
      expect(help.out).toContain('Examples:');
      expect(help.out).toContain('0 done, 1 failed, 2 bad usage');
      expect(Math.max(...help.out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
      expect(await run(['--version'])).toEqual({ code: 0, out: `${one.version}\n`, err: '' });
    });

    it('answers an unknown option, a missing --out and a value out of range with exit code 2', async () => {
      for (const words of [
        [...placed(args), '--no-such-option', '--out', at('out')],
        placed(args),
        [...placed(args), ...one.outOfRange, '--out', at('out')],
      ]) {
        const { code, out, err } = await run(words);
        expect(code, err).toBe(2);
        expect(out).toBe('');
        expect(err).toMatch(/error \[(usage|invalid-argument)\] .*\n/);
        expect(err).not.toMatch(/^\s+at /m);
      }
      expect(results()).toEqual([]);
    });

    it('answers a model that is not there with exit code 1 and the code of the error, the stack only with --debug', async () => {
      const words = [
        ...placed(args.map((word) => (word === 'model' ? 'nothing' : word))),
        '--out',
        at('out'),
      ];
      const { code, err } = await run(words);
      expect({ code, err }).toEqual({
        code: 1,
        err: expect.stringMatching(/error \[storage-failed\] .*nothing.*\n$/) as string,
      });
      expect((await run([...words, '--debug'])).err).toMatch(/^\s+at /m);
      const { out } = await run([...words, '--json']);
      expect(JSON.parse(out)).toMatchObject({ error: { code: 'storage-failed' } });
      expect(results()).toEqual([]);
    });

    it('says with --dry-run what it would do and writes nothing', async () => {
      const people = await run([...placed(args), '--dry-run']);
      expect(people.code, people.err).toBe(0);
      expect(people.out).toMatch(/Nothing was written\.\n$/);
      const { out } = await run([...placed(args), '--dry-run', '--json']);
      expect(JSON.parse(out)).toMatchObject({ dryRun: true, plan: expect.anything() as unknown });
      expect(results()).toEqual([]);
    });

    it('reports in JSON what it has written, and leaks no tensor', async () => {
      const tensors = one.tensors();
      const { code, out, err } = await run([...placed(args), '--out', at('out'), '--json', '--no-latency']);
      expect(code, err).toBe(0);
      expect(one.tensors()).toBe(tensors);
      const said = JSON.parse(out) as { files: { name: string; bytes: number }[] };
      expect(said).toMatchObject({ dryRun: false, out: at('out'), version: one.version });
      expect(said.files.map(({ name }) => name).sort()).toEqual(one.files);
      for (const { name, bytes } of said.files)
        expect(statSync(join(at('out'), name)).size, name).toBe(bytes);
      expect(filesOf(at('out'))).toEqual(one.files);
      expect(results()).toEqual(['out']);
    });

    it('refuses a folder that is not empty, replaces its own with --force and nobody else’s', async () => {
      const words = [...placed(args), '--no-latency', '--out'];
      expect(await run([...words, at('out')])).toMatchObject({ code: 2, out: '' });
      const forced = await run([...words, at('out'), '--force']);
      expect(forced.code, forced.err).toBe(0);
      expect(forced.out).toContain('bytes on disk');
      mkdirSync(at('theirs'));
      writeFileSync(join(at('theirs'), 'thesis.txt'), 'three years of work');
      const refused = await run([...words, at('theirs'), '--force']);
      expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('thesis.txt') as string });
      expect(filesOf(at('theirs'))).toEqual(['thesis.txt']);
      rmSync(at('theirs'), { recursive: true });
      expect(await run([...words, at('model'), '--force'])).toMatchObject({ code: 2 });
      expect(results()).toEqual(['out']);
    });

    it('gives the same bytes for the same seed', async () => {
      const words = [...placed(args), '--no-latency', '--force', '--out'];
      await run([...words, at('out')]);
      const first = contentsOf(at('out'));
      await run([...words, at('out'), '--seed', '0']);
      expect(contentsOf(at('out'))).toEqual(first);
      if (!one.seeded) return;
      await run([...words, at('out'), '--seed', '1']);
      expect(contentsOf(at('out'))).not.toEqual(first);
    });

    it('writes nothing once it is stopped, with exit code 130', async () => {
      const { code, err } = await run([...placed(args), '--out', at('stopped')], AbortSignal.abort());
      expect({ code, err }).toEqual({ code: 130, err: expect.stringContaining('error [aborted]') as string });
      expect(results()).toEqual(['out']);
    });

    if (!long) return;
    it('ends with exit code 130 on SIGINT, in a process of its own', async () => {
      const child = spawn(
        process.execPath,
        [
          '--conditions=@ockham/source',
          '--disable-warning=ExperimentalWarning',
          one.bin,
          ...placed(long),
          '--out',
          at('killed'),
        ],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      );
      let err = '';
      let sent = false;
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        err += text;
        if (sent || !/: \d+ of \d+/.test(err)) return;
        sent = child.kill('SIGINT');
      });
      const code = await new Promise((resolve) => child.on('exit', resolve));
      expect({ code, sent }, err).toEqual({ code: 130, sent: true });
      expect(err).toContain('error [aborted]');
      expect(results()).toEqual(['out']);
    });
  });
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

function contentsOf(folder: string): [string, string][] {
  return filesOf(folder).map((name) => [name, readFileSync(join(folder, name)).toString('base64')]);
}
