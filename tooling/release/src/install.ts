import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Packed } from './pack.ts';
import { commands } from './readme.ts';
import { pnpm, sh } from './shell.ts';

export type Manager = 'npm' | 'pnpm';

/** A project with one of the packages installed in it. */
export interface Project {
  readonly packed: Packed;
  readonly manager: Manager;
  readonly folder: string;
}

/**
 * Installs one tarball in an empty project, with what its README says to install beside it. What it depends on comes from the
 * registry, `@ockham/core` from its tarball.
 *
 * @param all The tarballs, core's among them.
 * @param base A project of npm's with TensorFlow.js and nothing else, to start from instead of an empty one where the README asks
 * for it: npm unpacks its 150 MB again for each project, pnpm links them.
 * @throws Error where the README does not say how to install the package, or the installation fails.
 */
export async function installAlone(
  packed: Packed,
  all: readonly Packed[],
  manager: Manager,
  folder: string,
  base?: string,
): Promise<Project> {
  const { name } = packed.manifest;
  const beside = alongside(readFileSync(join(packed.source, 'README.md'), 'utf8'), name);
  const others = all.filter(({ manifest }) => manifest.name !== name);
  const overrides = Object.fromEntries(
    others.map(({ manifest, tarball }) => [manifest.name, `file:${tarball}`]),
  );
  mkdirSync(folder, { recursive: true });
  if (manager === 'pnpm') {
    write(folder, 'package.json', { private: true, type: 'module' });
    // JSON is YAML; core-js comes with TensorFlow.js, and pnpm stops at a script that nobody has judged
    write(folder, 'pnpm-workspace.yaml', { overrides, allowBuilds: { 'core-js': false } });
    await sh(folder, [pnpm, 'add', packed.tarball, ...beside]);
  } else {
    const withBase = base !== undefined && beside.length > 0;
    if (withBase) {
      await sh(folder, ['cp', '-al', join(base, 'node_modules'), folder]);
      rmSync(join(folder, 'node_modules', '.package-lock.json')); // npm writes into it, and it is the other project's as well
      cpSync(join(base, 'package-lock.json'), join(folder, 'package-lock.json'));
    }
    const dependencies = withBase ? dependenciesOf(base) : {};
    write(folder, 'package.json', { private: true, type: 'module', overrides, dependencies });
    await sh(folder, [
      'npm',
      'install',
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      packed.tarball,
      ...(withBase ? [] : beside),
    ]);
  }
  return { packed, manager, folder };
}

/** A project of npm's with TensorFlow.js in it. */
export async function installBase(folder: string): Promise<string> {
  mkdirSync(folder);
  write(folder, 'package.json', { private: true, type: 'module' });
  await sh(folder, ['npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', '@tensorflow/tfjs']);
  return folder;
}

/** What a README tells its reader to install beside the package. */
function alongside(readme: string, name: string): string[] {
  const command = commands(readme).find((line) => line.startsWith('npm install '));
  const wanted = command?.split(' ').slice(2);
  if (!wanted?.includes(name))
    throw new Error(
      `${name}: its README must tell to npm install ${name}, got ${command ?? 'no such command'}.`,
    );
  return wanted.filter((each) => each !== name);
}

function dependenciesOf(project: string): Record<string, string> {
  const text = readFileSync(join(project, 'package.json'), 'utf8');
  return (JSON.parse(text) as { dependencies: Record<string, string> }).dependencies;
}

function write(folder: string, file: string, value: unknown): void {
  writeFileSync(join(folder, file), JSON.stringify(value));
}
