import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namesOf } from '../src/names.ts';
import { newPackage } from '../src/new-package.ts';

const workspace = resolve(import.meta.dirname, '../../..');
const model = join(workspace, 'packages/fw-prune');

let root = '';
let made: string[] = [];
const folder = (): string => join(root, 'packages/grid-dance');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'ockham-new-package-'));
  for (const file of ['package.json', 'pnpm-workspace.yaml', 'README.md', '.prettierrc.json']) {
    cpSync(join(workspace, file), join(root, file));
  }
  made = await newPackage(root, 'grid-dance', 'Grid dance');
  // what pnpm would install is what a package with the same dependencies has
  symlinkSync(join(model, 'node_modules'), join(folder(), 'node_modules'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Runs a binary of the package in the package. */
async function run(binary: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, OCKHAM_ENGINE: 'wasm', OCKHAM_TEST_REPORTS: '', NO_COLOR: '1' };
  const { stdout } = await promisify(execFile)(join(folder(), 'node_modules/.bin', binary), args, {
    cwd: folder(),
    env,
  });
  return stdout;
}

describe('a new package', () => {
  it('has every room of the others, under its own name', () => {
    expect(made).toEqual(
      expect.arrayContaining(['packages/grid-dance/src/grid-dance.ts', '.changeset/grid-dance.md']),
    );
    const rooms = (path: string) =>
      readdirSync(path).filter(
        (name) => !/^(node_modules|dist|CHANGELOG.md|turbo.json|package.tgz|\..*)$/.test(name),
      );
    expect(rooms(folder())).toEqual(expect.arrayContaining(rooms(model)));
    for (const file of made.filter((path) => path !== 'README.md')) {
      expect(read(file)).not.toMatch(/__\w+__/);
    }
  });

  it('has the fields, scripts and dependencies of the others', () => {
    type Manifest = Record<string, Record<string, string>>;
    const own = JSON.parse(read('packages/grid-dance/package.json')) as Manifest;
    const other = JSON.parse(readFileSync(join(model, 'package.json'), 'utf8')) as Manifest;
    delete other.bin; // a command line is for who has one
    delete other.peerDependencies!['@tensorflow/tfjs']; // it loads the engine
    expect(Object.keys(own)).toEqual(Object.keys(other));
    for (const key of [
      'scripts',
      'devDependencies',
      'dependencies',
      'peerDependencies',
      'engines',
      'files',
    ]) {
      expect(own[key], key).toEqual(other[key]);
    }
  });

  it('stands in the README', () => {
    expect(read('README.md')).toMatch(
      /^\| \[`@ockham\/grid-dance`\]\(packages\/grid-dance\) +\| Grid dance +\|/m,
    );
  });

  it('type-checks', async () => {
    expect(await run('tsc', '-p', 'tsconfig.json')).toBe('');
  });

  it('passes its tests', async () => {
    expect(await run('vitest', 'run')).toMatch(/Test Files +3 passed \(3\)/);
  }, 240_000);

  it('reproduces its experiment at the scale smoke', async () => {
    expect(await run('ockham-reproduce', '--scale', 'smoke')).toContain('grid-dance/rounding-error (smoke)');
    const { rows } = JSON.parse(read('packages/grid-dance/reproduce/results/smoke/rounding-error.json')) as {
      rows: unknown[];
    };
    expect(rows).toHaveLength(2);
  });

  it('is not made twice, and what is there stays', async () => {
    const before = read('packages/grid-dance/package.json');
    await expect(newPackage(root, 'grid-dance')).rejects.toThrow('is there already');
    expect(read('packages/grid-dance/package.json')).toBe(before);
    mkdirSync(join(root, 'tooling/used'), { recursive: true });
    await expect(newPackage(root, 'used')).rejects.toThrow('tooling/used is there already');
  });

  it('is not made in a workspace without the places that it must stand in, and then nothing is written', async () => {
    const bare = join(root, 'bare');
    mkdirSync(bare);
    writeFileSync(join(bare, 'README.md'), '# Bare\n');
    await expect(newPackage(bare, 'lost')).rejects.toThrow('table of packages');
    expect(existsSync(join(bare, 'packages'))).toBe(false);
  });
});

describe('a name', () => {
  it('has the forms that files, functions and types need', () => {
    expect(namesOf('soft-round')).toEqual({
      kebab: 'soft-round',
      camel: 'softRound',
      pascal: 'SoftRound',
      title: 'Soft round',
    });
  });

  it.each(['', 'Soft', 'soft_round', '-soft', 'soft-', '../soft', '2soft', 'soft-2', 'a'.repeat(61)])(
    '%j is refused',
    (name) => {
      expect(() => namesOf(name)).toThrow('lower-case words');
    },
  );

  it.each(['delete', 'await', 'model', 'round'])('%s is refused: a function cannot have it', (name) => {
    expect(() => namesOf(name)).toThrow('the word is taken');
  });

  it('has a title of plain words', () => {
    expect(() => namesOf('soft', 'a `title`')).toThrow('plain words');
  });
});
