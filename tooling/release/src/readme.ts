import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * The first `js` block of a README: the example that its reader copies.
 *
 * @throws Error where the text has none.
 */
export function firstExample(markdown: string): string {
  const block = /^```js\n(.*?)^```$/ms.exec(markdown)?.[1];
  if (block === undefined)
    throw new Error('readme: the first example must stand in a ```js block, found none.');
  return block;
}

/**
 * The example under the heading that names `name`, where a README has one for each package.
 *
 * @throws Error where no heading names it, or no example follows.
 */
export function exampleOf(markdown: string, name: string): string {
  const sections = markdown.split(/^(?=#{2,3} )/m);
  const own = sections.find((section) => section.split('\n')[0]!.includes(`\`${name}\``));
  if (own === undefined)
    throw new Error(`readme: an example of ${name} must stand under a heading that names it, found none.`);
  return firstExample(own);
}

/** What a README claims its first example prints: the `text` block that follows it, if one does. */
export function printedByExample(markdown: string): string | undefined {
  return /^```js\n.*?^```\n+[^`\n]*\n*```text\n(.*?)^```$/ms.exec(markdown)?.[1];
}

/** The commands that a README tells its reader to type: the lines of its `sh` blocks, comments and blanks aside. */
export function commands(markdown: string): string[] {
  return [...markdown.matchAll(/^```sh\n(.*?)^```$/gms)]
    .flatMap(([, block]) => block!.split('\n'))
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** The command lines that a README shows with what they print: `console` blocks that start with `$`. */
export function commandLines(markdown: string): { readonly command: string; readonly printed: string }[] {
  return [...markdown.matchAll(/^```console\n\$ ([^\n]*)\n(.*?)^```$/gms)].map(([, command, printed]) => ({
    command: command!,
    printed: printed!,
  }));
}

/**
 * Runs the first example of a README against the sources, with the README's folder as the project.
 *
 * @param readme URL of the README
 * @returns what the example printed
 * @throws Error when the example fails; the message holds its output.
 */
export async function runExample(readme: URL): Promise<string> {
  return runCode(firstExample(await readFile(readme, 'utf8')), dirname(fileURLToPath(readme)));
}

/**
 * Runs a package's example in the README of the repository, with the package's folder as the project.
 *
 * @param folder URL of the package's folder, with a slash at the end
 * @returns what the example printed
 * @throws Error when there is none or it fails; the message holds its output.
 */
export async function runRepositoryExample(folder: URL): Promise<string> {
  const { name } = JSON.parse(await readFile(new URL('package.json', folder), 'utf8')) as { name: string };
  const markdown = await readFile(new URL('../../README.md', folder), 'utf8');
  return runCode(exampleOf(markdown, name), fileURLToPath(folder));
}

async function runCode(code: string, cwd: string): Promise<string> {
  const { stdout } = await run(
    process.execPath,
    [
      '--conditions=@ockham/source',
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
      '--eval',
      code,
    ],
    { cwd, timeout: 120_000 },
  );
  return stdout;
}
