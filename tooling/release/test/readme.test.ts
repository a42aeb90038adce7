import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { commandLines, commands, exampleOf, firstExample, printedByExample, runExample } from '../src/readme.ts';

const fence = '```';
const markdown = `# Package

${fence}sh
npm install x # one

# a comment
SCALE=smoke npx y reproduce
${fence}

${fence}js
import { cpus } from 'node:os';
process.stdout.write(String(cpus().length > 0));
${fence}

It prints

${fence}text
true
${fence}

${fence}js
throw new Error('the second example');
${fence}
`;

let folder: string | undefined;
async function readme(text: string): Promise<URL> {
  folder = await mkdtemp(join(tmpdir(), 'ockham-readme-'));
  await writeFile(join(folder, 'README.md'), text);
  return pathToFileURL(join(folder, 'README.md'));
}
const root = new URL('../../../', import.meta.url);

afterEach(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true });
  folder = undefined;
});

describe('a README', () => {
  it('has one first example, and none is an error', () => {
    expect(firstExample(markdown)).toMatch(/^import .*\nprocess.*\n$/);
    expect(() => firstExample('# Empty')).toThrow('found none');
  });

  it('has the example of a package under the heading that names it', () => {
    const all = `# All\n\n${fence}js\n0;\n${fence}\n\n### \`@x/a\`: one\n\n${fence}js\n1;\n${fence}\n\n### \`@x/ab\`: two\n\n${fence}js\n2;\n${fence}\n\n## \`@x/c\`\n`;
    expect(exampleOf(all, '@x/a')).toBe('1;\n');
    expect(exampleOf(all, '@x/ab')).toBe('2;\n');
    expect(() => exampleOf(all, '@x/c')).toThrow('found none');
    expect(() => exampleOf(all, '@x/d')).toThrow('an example of @x/d must stand under a heading');
  });

  it('says what the example prints in the text block after it, or nothing', () => {
    expect(printedByExample(markdown)).toBe('true\n');
    expect(printedByExample(`${fence}js\n1;\n${fence}\n`)).toBeUndefined();
  });

  it('lists its commands without comments and blanks', () => {
    expect(commands(markdown)).toEqual(['npm install x', 'SCALE=smoke npx y reproduce']);
  });

  it('shows command lines with what they print', () => {
    const shown = `${fence}console\n$ npx y --json\n{}\n\n[]\n${fence}\n${fence}sh\nls\n${fence}\n`;
    expect(commandLines(shown)).toEqual([{ command: 'npx y --json', printed: '{}\n\n[]\n' }]);
  });

  it('is run as a module, and only its first example', async () => {
    expect(await runExample(await readme(markdown))).toBe('true');
  });

  it('fails with the output of an example that fails', async () => {
    const failing = `${fence}js\nthrow new Error('broken on purpose');\n${fence}\n`;
    await expect(runExample(await readme(failing))).rejects.toThrow('broken on purpose');
  });
});

describe('the README of the repository', () => {
  it('has an example of every package, of about ten lines, and says each command once', async () => {
    const text = await readFile(new URL('README.md', root), 'utf8');
    const packages = await readdir(new URL('packages', root));
    expect(packages.length).toBeGreaterThan(7);
    for (const folder of packages) {
      const lines = exampleOf(text, `@ockham/${folder}`)
        .split('\n')
        .filter((line) => line !== '');
      expect(lines.length, folder).toBeLessThanOrEqual(12);
    }
    expect(commands(text)).toEqual([...new Set(commands(text))]);
  });
});
