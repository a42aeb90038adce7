import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { firstExample } from './readme.ts';

/**
 * Packs the published packages, installs each tarball in an empty project beside TensorFlow.js, and runs the first
 * example of the README that came with it, on the oldest Node that the packages promise.
 */

const root = resolve(import.meta.dirname, '../../..');
const oldestNode = '20.20.2';
const tfjs = '@tensorflow/tfjs@4.22.0';

// the machine's own npm and Node, as a user has them: pnpm puts the workspace's first
const path = process.env.PATH!.split(delimiter).filter((folder) => !folder.includes('node_modules'));
const env: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm|pnpm)_/i.test(name))),
  PATH: path.join(delimiter),
};

function sh(cwd: string, command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`packed: ${[command, ...args].join(' ')} failed.\n${stdout ?? ''}${stderr ?? ''}`, {
      cause: error,
    });
  }
}

function runOnOldestNode(cwd: string, file: string): string {
  if (sh(cwd, 'node', '--version').trim().startsWith('v20.')) return sh(cwd, 'node', file);
  return sh(cwd, 'npx', '--yes', '-p', `node@${oldestNode}`, '-c', `node ${file}`);
}

const folder = mkdtempSync(join(tmpdir(), 'ockham-packed-'));
try {
  const tarballs = new Map<string, string>();
  for (const name of readdirSync(join(root, 'packages'))) {
    const source = join(root, 'packages', name);
    const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as { name: string };
    const tarball = join(folder, `${name}.tgz`);
    execFileSync('pnpm', ['pack', '--out', tarball], { cwd: source, stdio: 'pipe' });
    tarballs.set(manifest.name, tarball);
  }
  for (const [name, tarball] of tarballs) {
    const project = join(folder, 'projects', name);
    mkdirSync(project, { recursive: true });
    const unpublished = [...tarballs].filter(([other]) => other !== name);
    const overrides = Object.fromEntries(unpublished.map(([other, file]) => [other, `file:${file}`]));
    writeFileSync(
      join(project, 'package.json'),
      JSON.stringify({ private: true, type: 'module', overrides }),
    );
    sh(project, 'npm', 'install', '--no-audit', '--no-fund', tarball, tfjs);
    const readme = readFileSync(join(project, 'node_modules', name, 'README.md'), 'utf8');
    writeFileSync(join(project, 'example.js'), firstExample(readme));
    const printed = runOnOldestNode(project, 'example.js');
    if (printed.trim() === '')
      throw new Error(`packed: the first example of ${name} must print something, got nothing.`);
    process.stdout.write(
      `${name}: the packed README example runs\n${printed.replace(/^/gm, '  ').trimEnd()}\n`,
    );
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
