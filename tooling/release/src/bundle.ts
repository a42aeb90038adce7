import { readFileSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';

/** What a page downloads for all names of an entry point, in bytes after gzip. */
export interface BundleSize {
  /** Before the first line runs, TensorFlow.js and kernels aside. */
  readonly start: number;
  /** When it is called for: readers of formats, workers. */
  readonly later: number;
  /** The WebAssembly modules, held as text. */
  readonly kernels: number;
}

const isTensorFlow = (id: string): boolean =>
  id.startsWith('@tensorflow/') || id.includes('/node_modules/@tensorflow/');
// resolved ones alone: what a package imports by a relative path is not known before
const isKernel = (id: string): boolean => isAbsolute(id) && /[\\/]kernels[\\/]generated[\\/]/.test(id);

/** Bundles what `code` imports for a browser, from what is installed in `folder`. */
async function bundle(
  folder: string,
  code: string,
  external: (id: string) => boolean,
  onWarning?: (message: string) => void,
): Promise<(Rolldown.OutputChunk | Rolldown.OutputAsset)[]> {
  const input = join(folder, `entry-${(bundles += 1)}.js`);
  writeFileSync(input, code);
  const result = await build({
    root: folder,
    configFile: false,
    logLevel: 'silent',
    worker: { format: 'es' },
    build: {
      write: false,
      target: 'es2022',
      modulePreload: { polyfill: false },
      rolldownOptions: { input, external, onLog: (_level, { message }) => onWarning?.(message) },
    },
  });
  return (result as Rolldown.RolldownOutput).output;
}
let bundles = 0;

/** Sizes of everything that `entry` exports. */
export async function bundleSize(folder: string, entry: string): Promise<BundleSize> {
  return sizeOf(folder, `import * as all from '${entry}';\nglobalThis.all = all;\n`);
}

/** Sizes of what a program needs, for example a README's example: a bundler leaves out what it does not use. */
export async function sizeOf(folder: string, program: string): Promise<BundleSize> {
  const kernels = new Map<string, number>();
  const output = await bundle(folder, program, (id) => {
    if (isKernel(id)) kernels.set(id, gzipSync(readFileSync(id)).length);
    return isTensorFlow(id) || isKernel(id);
  });
  const chunks = new Map(output.map((file) => [file.fileName, file]));
  const atStart = new Set<string>();
  const follow = (name: string): void => {
    const file = chunks.get(name);
    if (file?.type !== 'chunk' || atStart.has(name)) return;
    atStart.add(name);
    file.imports.forEach(follow);
  };
  output.filter((file) => file.type === 'chunk' && file.isEntry).forEach(({ fileName }) => follow(fileName));
  const bytes = (file: Rolldown.OutputChunk | Rolldown.OutputAsset): number =>
    gzipSync(file.type === 'chunk' ? file.code : file.source).length;
  const sum = (files: typeof output): number => files.reduce((total, file) => total + bytes(file), 0);
  return {
    start: sum(output.filter(({ fileName }) => atStart.has(fileName))),
    later: sum(output.filter(({ fileName }) => !atStart.has(fileName))),
    kernels: [...kernels.values()].reduce((total, size) => total + size, 0),
  };
}

/**
 * Bundles everything that `entry` exports with TensorFlow.js and all.
 *
 * @throws Error where something cannot be found, or where a page would need a module of Node.
 */
export async function bundleWhole(folder: string, entry: string): Promise<void> {
  const warnings: string[] = [];
  const output = await bundle(
    folder,
    `import * as all from '${entry}';\nglobalThis.all = all;\n`,
    () => false,
    (message) => warnings.push(message),
  );
  const text = [...warnings, ...output.map((file) => (file.type === 'chunk' ? file.code : ''))].join('\n');
  const stub = /__vite-browser-external:?\S{0,20}|externalized for browser compatibility.{0,80}/.exec(text);
  if (stub) throw new Error(`${entry}: a browser's bundle must need no module of Node, got ${stub[0]}.`);
}

/** The bundle of `import 'entry'` alone, TensorFlow.js left to its host, written to `file` in `folder`. */
export async function bundleBare(folder: string, entry: string, file: string): Promise<void> {
  const output = await bundle(folder, `import '${entry}';\n`, isTensorFlow);
  const [first, ...others] = output.filter((each) => each.type === 'chunk');
  if (first === undefined || others.length > 0)
    throw new Error(`${entry}: its bundle must be one file, got ${others.length + 1}.`);
  writeFileSync(join(folder, file), first.code);
}
