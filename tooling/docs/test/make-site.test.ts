import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { entryPoints } from '../src/entry-points.ts';
import { makeSite } from '../src/make-site.ts';

let root = '';
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A workspace with one published package, `@toy/sums`, and a private one. */
function workspace(source: string): { root: string; tsconfig: string } {
  root = mkdtempSync(join(tmpdir(), 'ockham-docs-'));
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  const entry = (path: string) => ({ '@ockham/source': path, default: './dist/index.js' });
  const exports = {
    '.': entry('./src/index.ts'),
    './far': entry('./src/far.ts'),
    './package.json': './package.json',
  };
  write('packages/sums/package.json', JSON.stringify({ name: '@toy/sums', exports }));
  write('packages/sums/src/index.ts', source);
  write('packages/sums/src/far.ts', '/**\n * Far sums.\n *\n * @module\n */\nexport {};\n');
  write('packages/hidden/package.json', JSON.stringify({ name: '@toy/hidden', private: true, exports }));
  const compilerOptions = { module: 'nodenext', target: 'es2023', strict: true, noEmit: true, types: [] };
  write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['packages/*/src'] }));
  write('guide.md', '# Sums\n\nSee {@link @toy/sums!sum}.\n');
  return { root, tsconfig: join(root, 'tsconfig.json') };
}

const header = '/**\n * Sums.\n *\n * @module\n */\n';
const documented = `${header}
/** What {@link sum} takes. */
export interface Options {
  /** Added to the sum. */
  readonly plus?: number;
}
/** The sum of \`values\`. */
export function sum(values: number[], { plus = 0 }: Options = {}): { total: number } {
  return { total: values.reduce((a, b) => a + b, plus) };
}
`;

it('every entry of the published packages is documented, under the name that an import has', () => {
  const { root } = workspace(documented);
  expect(entryPoints(root)).toEqual([
    { name: '@toy/sums', file: join(root, 'packages/sums/src/index.ts') },
    { name: '@toy/sums/far', file: join(root, 'packages/sums/src/far.ts') },
  ]);
});

it('writes a page for each name, finds nothing wrong where all have docstrings', async () => {
  const { root, tsconfig } = workspace(documented);
  const out = join(root, 'site');
  expect(await makeSite({ root, tsconfig, out, guides: [join(root, 'guide.md')] })).toEqual([]);
  expect(readFileSync(join(out, 'functions/_toy_sums.sum.html'), 'utf8')).toContain('The sum of');
  expect(readFileSync(join(out, 'index.html'), 'utf8')).toContain('functions/_toy_sums.sum.html');
});

it('names what has no docstring, with its line, once', async () => {
  const { root, tsconfig } = workspace(
    `${documented}export class Bare {\n  size = 0;\n  /** Fine. */\n  get fine(): number { return 1; }\n}\n`,
  );
  expect(await makeSite({ root, tsconfig })).toEqual([
    'packages/sums/src/index.ts:16: @toy/sums.Bare has no docstring.',
    'packages/sums/src/index.ts:17: @toy/sums.Bare.size has no docstring.',
  ]);
});

it.each([
  [
    'a link that leads nowhere',
    '/** See {@link missing}. */\nexport const a: number = 1;',
    /Failed to resolve link to "missing"/,
  ],
  [
    'a type that is used and not exported',
    'interface Hidden { a: number }\n/** A. */\nexport const a: Hidden = { a: 1 };',
    /Hidden.*not included/,
  ],
  [
    'a tag that nobody knows',
    '/** A.\n * @retruns one */\nexport const a: number = 1;',
    /unknown block tag @retruns/,
  ],
  [
    'a parameter that is not there',
    '/** A.\n * @param b None. */\nexport function a(): void {}',
    /@param with name "b"/,
  ],
])('finds %s', async (_, source, problem) => {
  const { root, tsconfig } = workspace(`${header}${source}\n`);
  const problems = await makeSite({ root, tsconfig });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(problem);
});
