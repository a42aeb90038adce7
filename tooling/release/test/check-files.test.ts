import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkFiles } from '../src/check-files.ts';
import type { Manifest } from '../src/pack.ts';

const manifest = {
  name: '@ockham/toy',
  version: '0.1.0',
  description: 'A toy',
  keywords: ['a', 'b', 'c', 'd'],
  license: 'Apache-2.0',
  type: 'module',
  sideEffects: false,
  engines: { node: '>=20.19' },
  exports: { '.': './dist/index.js' },
  dependencies: { '@ockham/core': '^0.1.0' },
};

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'ockham-files-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** What is found in a package with these files beside those that it must have. */
function problems(files: Record<string, unknown>, change: Partial<Manifest> = {}): string[] {
  const all = {
    'package.json': { ...manifest, ...change },
    LICENSE: '',
    'README.md': '',
    'dist/index.js': 'export {};\n//# sourceMappingURL=index.js.map',
    'dist/index.js.map': { sources: ['../src/index.ts'] },
    'src/index.ts': '',
    ...files,
  };
  for (const [file, content] of Object.entries(all)) {
    if (content === undefined) continue;
    const path = join(folder, 'node_modules', '@ockham/toy', file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  }
  return checkFiles({ folder, manager: 'npm', packed: { manifest, source: '', tarball: '' } });
}

describe('the files of a package', () => {
  it('are right when each has its use', () => {
    expect(problems({})).toEqual([]);
  });

  it.each([
    [{ 'dist/prune.test.js': '' }, 'dist/prune.test.js is of no use to a user'],
    [{ 'tsconfig.json': '' }, 'tsconfig.json is of no use to a user'],
    [{ 'src/kernels/assembly/add.ts': '' }, 'src/kernels/assembly/add.ts is of no use to a user'],
    [{ LICENSE: undefined }, 'LICENSE is missing'],
    [{ 'dist/index.js.map': undefined }, 'the source map of dist/index.js is missing'],
    [
      { 'src/index.ts': undefined },
      'the source map of dist/index.js points to ../src/index.ts, which is not there',
    ],
  ])('are a problem with %j', (files, problem) => {
    expect(problems(files)).toEqual([`@ockham/toy: ${problem}.`]);
  });

  it.each([
    [{ dependencies: { '@ockham/core': 'workspace:^' } }, 'a range that the registry knows'],
    [{ dependencies: { '@ockham/core': '0.1.0' } }, '@ockham/core alone, by ^'],
    [{ dependencies: { '@ockham/fw-prune': '^0.1.0' } }, '@ockham/core alone, by ^'],
    [{ license: 'GPL-3.0' }, 'license must be Apache-2.0'],
    [{ keywords: [] }, 'keywords must be 4 or more'],
    [{ engines: {} }, 'engines.node must be >=20.19'],
    [{ sideEffects: undefined }, 'sideEffects must say'],
  ])('are a problem with %j in package.json', (change, problem) => {
    expect(problems({}, change).join('\n')).toContain(problem);
  });
});
