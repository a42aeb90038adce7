import { mkdir, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DataError, OckhamError } from '@ockham/core';
import { librarySources, workingBytes } from './recipe.ts';
import type { LibrarySource } from './recipe.ts';
import { answers } from './run.ts';

/** The programs that the build will use on this machine. */
export interface Machine {
  readonly source: LibrarySource;
  /** How to call the source's client, for example `['python3', '-m', 'pip']`. */
  readonly client: readonly [string, ...string[]];
  readonly strip: boolean;
}

const otherwise =
  'Everything runs without it on the wasm engine; `@tensorflow/tfjs-node` may also install a prebuilt binary here.';

/**
 * Refuses a machine on which the build cannot work, before anything is downloaded.
 *
 * @throws OckhamError `engine-unavailable`, naming the platform or the program to install.
 */
export async function inspectMachine(folder: string): Promise<Machine> {
  refusePlatform();
  await requireRoom(folder);
  if (!(await answers('g++', ['--version']))) {
    throw new OckhamError(
      'engine-unavailable',
      'native: needs a C++ compiler, found no g++. Install it (Debian: apt-get install g++) and run `pnpm native` again.',
    );
  }
  const [{ source, client }, strip] = await Promise.all([findClient(), answers('strip', ['--version'])]);
  return { source, client, strip };
}

function refusePlatform(): void {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const libc = process.platform === 'linux' && !report.header?.glibcVersionRuntime ? ' with musl' : '';
  const here = `${process.platform}-${process.arch}${libc}`;
  if (here === 'linux-x64') return;
  throw new OckhamError(
    'engine-unavailable',
    `native: builds on linux-x64 with glibc, this is ${here}. ${otherwise}`,
  );
}

async function requireRoom(folder: string): Promise<void> {
  const parent = dirname(folder);
  try {
    await mkdir(parent, { recursive: true });
  } catch (cause) {
    throw new DataError(
      'storage-failed',
      `native: cannot write ${parent} (${(cause as Error).message}). Name a writable folder in OCKHAM_CACHE.`,
      { cause },
    );
  }
  const { bavail, bsize } = await statfs(parent);
  const free = bavail * bsize;
  if (free >= workingBytes) return;
  throw new DataError(
    'storage-failed',
    `native: needs ${megabytes(workingBytes)} of free space in ${parent}, found ${megabytes(free)}. ` +
      'Make room, or name another folder in OCKHAM_CACHE.',
  );
}

async function findClient(): Promise<Pick<Machine, 'source' | 'client'>> {
  const callers: Record<LibrarySource['client'], [string, ...string[]][]> = {
    pip: [['python3', '-m', 'pip'], ['python', '-m', 'pip'], ['pip3'], ['pip']],
    mvn: [['mvn', '--batch-mode', '--quiet']],
  };
  for (const source of librarySources) {
    for (const client of callers[source.client]) {
      const [program, ...args] = client;
      if (await answers(program, [...args, '--version'])) return { source, client };
    }
  }
  throw new OckhamError(
    'engine-unavailable',
    'native: needs pip or Maven to fetch libtensorflow from a package registry, found neither. ' +
      'Install one (Debian: apt-get install python3-pip, or maven) and run `pnpm native` again.',
  );
}

/** A size for people: `230 MB`. */
export function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${Math.round(bytes / 1e6)} MB`;
}
