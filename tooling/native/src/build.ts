import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { DataError } from '@ockham/core';
import { nativeFolder } from '@ockham/core/backend/node';
import { Listr } from 'listr2';
import { compileBinding, stripLibraries } from './compile.ts';
import { fetchBinding, fetchLibrary } from './fetch.ts';
import { inspectMachine, megabytes } from './machine.ts';
import type { Machine } from './machine.ts';
import { bindingPackage, libraries } from './recipe.ts';
import { run } from './run.ts';
import { unpackLibraries, unpackPackage } from './unpack.ts';

/** What a finished folder says of itself. */
interface Stamp {
  /** Raised when the folder's layout or contents change, so that an older build is made anew. */
  readonly layout: 1;
  readonly binding: string;
  readonly tensorflow: string;
}

const stampFile = 'ockham-native.json';
const layout = 1;

/** How the build ended. */
export interface NativeBuild {
  readonly folder: string;
  readonly tensorflow: string;
  /** False where a former run had built it already. */
  readonly built: boolean;
}

/**
 * Builds the native binding into the cache folder that `useBackend` looks in. Everything is made in a folder
 * beside it and renamed at the end: a run that is killed leaves nothing that could be loaded.
 *
 * @throws OckhamError `engine-unavailable` where the machine lacks something; DataError where a download is
 *   not what is pinned, or the cache cannot be written.
 */
export async function buildNative(say: (line: string) => void): Promise<NativeBuild> {
  const folder = nativeFolder();
  const former = await readStamp(folder);
  if (former) return { folder, tensorflow: former.tensorflow, built: false };

  const machine = await inspectMachine(folder);
  const { source } = machine;
  say(
    `Downloads ${megabytes(source.bytes + bindingPackage.bytes)} from the package registries configured here:`,
  );
  for (const item of [bindingPackage, source]) say(`  ${megabytes(item.bytes).padStart(6)}  ${item.what}`);
  say(`Builds into ${folder}, about 0.5 GB.`);

  await removeAbandoned(dirname(folder));
  const site = join(dirname(folder), `.building-${process.pid}-${basename(folder)}`);
  try {
    await build(site, machine);
    await putInPlace(site, folder);
  } finally {
    await rm(site, { recursive: true, force: true });
  }
  return { folder, tensorflow: source.tensorflow, built: true };
}

async function build(site: string, machine: Machine): Promise<void> {
  const { source } = machine;
  const downloads = join(site, 'downloads');
  const modules = join(site, 'node_modules');
  const home = join(modules, '@tensorflow', 'tfjs-node');
  const shared = join(home, 'deps', 'lib');
  await mkdir(downloads, { recursive: true });
  const steps: [string, () => Promise<void>][] = [
    [`Download ${bindingPackage.name}`, async () => unpackPackage(await fetchBinding(downloads), home)],
    [
      `Download and unpack ${source.package} with ${source.client} (${megabytes(source.bytes)})`,
      async () => unpackLibraries(await fetchLibrary(downloads, machine), source.folder, libraries, shared),
    ],
    ...(machine.strip
      ? [['Strip the libraries', () => stripLibraries(shared)] satisfies [string, () => Promise<void>]]
      : []),
    ['Compile the binding', () => compileBinding(home)],
    ['Add the modules it asks for', () => addModules(modules)],
    ['Load it once', () => loadOnce(join(home, 'lib', 'napi-v8', 'tfjs_binding.node'), source.tensorflow)],
  ];
  await new Listr(
    steps.map(([title, task]) => ({ title, task })),
    { renderer: 'default', fallbackRenderer: 'simple' },
  ).run();
  await rm(downloads, { recursive: true });
  const stamp: Stamp = { layout, binding: bindingPackage.name, tensorflow: source.tensorflow };
  await writeFile(join(site, stampFile), `${JSON.stringify(stamp, undefined, 2)}\n`);
}

// The application's own tfjs-core is handed over under this key while `useBackend` loads the binding.
const handover = `
const tfjs = globalThis[Symbol.for('ockham.tfjs')];
if (!tfjs) throw new Error("load this binding through useBackend('tensorflow') of @ockham/core/backend/node");
module.exports = tfjs;
`.trimStart();

async function addModules(modules: string): Promise<void> {
  for (const name of ['tfjs', 'tfjs-core']) {
    const folder = join(modules, '@tensorflow', name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'index.js'), handover);
  }
  const protobuf = dirname(createRequire(import.meta.url).resolve('google-protobuf/package.json'));
  await cp(protobuf, join(modules, 'google-protobuf'), { recursive: true, dereference: true });
}

async function loadOnce(binding: string, expected: string): Promise<void> {
  const script = 'process.stdout.write(String(require(process.argv[1]).TF_Version))';
  const hint = 'The libraries do not suit this machine; please report its distribution and CPU.';
  const version = await run(process.execPath, ['-e', script, binding], { hint });
  if (version === expected) return;
  throw new DataError(
    'corrupt-file',
    `native: the binding must load TensorFlow ${expected}, it says ${version}.`,
  );
}

async function readStamp(folder: string): Promise<Stamp | undefined> {
  try {
    const stamp = JSON.parse(await readFile(join(folder, stampFile), 'utf8')) as Partial<Stamp>;
    return stamp.layout === layout ? (stamp as Stamp) : undefined;
  } catch {
    return undefined; // absent or unreadable: build it
  }
}

async function putInPlace(site: string, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await rename(site, folder);
}

/** Removes what killed runs left beside, by the process number in the folder's name. */
async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const owner = /^\.building-(\d+)-/.exec(name)?.[1];
    if (owner && !isAlive(Number(owner))) await rm(join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}
