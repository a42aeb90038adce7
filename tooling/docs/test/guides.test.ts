import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { blocksOf } from '../src/blocks.ts';
import { decisionRows } from '../src/decision-rows.ts';
import { decisionTable, withTable } from '../src/decision-table.ts';

const root = resolve(import.meta.dirname, '../../..');
const guides = globSync('docs/*.md', { cwd: root }).sort();
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const onPath = (program: string): boolean =>
  process.env.PATH!.split(':').some((folder) => existsSync(join(folder, program)));

/** Commands that other tests and gates run, or that need more than one machine. */
const elsewhere = [
  /^npm install /, // the packed tarballs are installed by test:packed
  /^npx --yes pnpm@\S+ (run docs|new-package |install$|reproduce$|--filter @ockham\/(docs|soft-round) )/, // gates, and the generator's test
  /^npx tensorflowjs_converter|^tensorflowjs_converter|^pip install/, // Python's
  /^sbatch |^scp |^ssh /, // a cluster's
];

let folder = '';
afterEach(() => {
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
});

/** Runs a command where the guide's own files are, with the packages as sources. */
async function sh(command: string): Promise<string> {
  const env = {
    ...process.env,
    NODE_OPTIONS: '--conditions=@ockham/source --disable-warning=ExperimentalWarning',
    OMPI_ALLOW_RUN_AS_ROOT: '1',
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
    OMPI_MCA_rmaps_base_oversubscribe: availableParallelism() < 2 ? '1' : '0',
  };
  const { stdout } = await promisify(execFile)('bash', ['-c', command], {
    cwd: folder,
    env,
    timeout: 200_000,
  });
  return stdout;
}

describe.each(guides)('%s', (guide) => {
  const blocks = blocksOf(read(guide));
  const commands = blocks
    .filter(({ language, file }) => language === 'sh' && file === undefined)
    .flatMap(({ code, prints }) => {
      const lines = code.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      return lines.map((line, i) => ({ line, prints: i === lines.length - 1 ? prints : undefined }));
    })
    .filter(({ line }) => !elsewhere.some((pattern) => pattern.test(line)));
  const examples = blocks.filter(({ language, file }) => language === 'js' && file === undefined);

  if (commands.length + examples.length > 0)
    it('has examples and commands that run, and print what it says', { timeout: 240_000 }, async () => {
      mkdirSync(join(import.meta.dirname, '../.scratch'), { recursive: true });
      folder = mkdtempSync(join(import.meta.dirname, '../.scratch', `${basename(guide, '.md')}-`));
      for (const { file, code } of blocks) if (file !== undefined) writeFileSync(join(folder, file), code);
      const scripts = blocks.filter(({ language, file }) => language === 'bash' && file !== undefined);
      for (const { file } of scripts) await sh(`bash -n ${file}`);
      for (const [i, { code, prints }] of examples.entries()) {
        writeFileSync(join(folder, `example-${i}.js`), code);
        const printed = await sh(`node example-${i}.js`);
        if (prints !== undefined) expect(printed).toBe(prints);
      }
      for (const { line, prints } of commands) {
        if (line.startsWith('mpirun') && !onPath('mpirun')) continue;
        const printed = await sh(line);
        if (prints !== undefined) expect(printed).toBe(prints);
      }
    });

  it('has links to files that are there, and to headings that they have', () => {
    const slugs = (text: string): string[] =>
      [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
        heading!
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
          .trim()
          .replaceAll(' ', '-'),
      );
    for (const [, target] of read(guide).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path, anchor] = target!.split('#');
      const to = path === '' ? join(root, guide) : resolve(root, dirname(guide), path!);
      expect(existsSync(to), target).toBe(true);
      if (anchor === undefined || anchor === 'readme') continue;
      const page = to.endsWith('.md') ? to : join(to, 'README.md');
      expect(slugs(readFileSync(page, 'utf8')), target).toContain(anchor);
    }
  });
});

it('the README leads to the guides, and their index to each of them', () => {
  expect(read('README.md')).toContain('](docs/README.md)');
  for (const guide of guides.filter((file) => !file.endsWith('README.md'))) {
    expect(read('docs/README.md')).toContain(`](${basename(guide)})`);
  }
});

it('the figures of the guide are those of the recorded results', () => {
  const guide = read('docs/choose-a-method.md');
  expect(guide, 'run pnpm --filter @ockham/docs figures').toBe(
    withTable(guide, decisionTable(decisionRows, root)),
  );
});

it('a block knows its file and what it prints', () => {
  const fence = '```';
  const text = `${fence}js\n// a.js\nlet a;\n${fence}\n\nIt prints\n\n${fence}text\none\n${fence}\n\n${fence}sh\nnode a.js\n${fence}\n`;
  expect(blocksOf(text)).toEqual([
    { language: 'js', code: '// a.js\nlet a;\n', file: 'a.js', prints: 'one\n' },
    { language: 'text', code: 'one\n' },
    { language: 'sh', code: 'node a.js\n' },
  ]);
});

it('a claim that no result has is an error', () => {
  const row = {
    want: '',
    call: '',
    limit: '',
    measured: [['fw-prune/lenet-300-100', 'no such claim']],
  } as const;
  expect(() => decisionTable([row], root)).toThrow('0 do');
});
