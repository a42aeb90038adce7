/**
 * Finds and loads the native TensorFlow binding: the installed `@tensorflow/tfjs-node` first, then the copy that
 * `pnpm native` builds into the cache folder.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import util from 'node:util';
import * as tfc from '@tensorflow/tfjs-core';
import { ArgumentError } from '../errors.ts';
import { ockhamCache } from '../files/ockham-folders.node.ts';
import type { Loaded, Loader } from './engine.ts';

/** The release of `@tensorflow/tfjs-node` that `pnpm native` builds. */
export const nativeVersion = '4.22.0';

/** The folder that `pnpm native` fills: `native/<version>-<platform>-<arch>` in the cache folder. */
export function nativeFolder(): string {
  return join(ockhamCache(), 'native', `${nativeVersion}-${process.platform}-${process.arch}`);
}

let loaded: Loaded | undefined;

/** Registers the `tensorflow` engine. Throws, with the reason of each place that was tried, where none loads. */
export const loadNative: Loader = ({ threads }) => {
  if (loaded && threads !== undefined && threads !== loaded.threads) {
    throw new ArgumentError(
      `useBackend: threads must be ${loaded.threads}, as when the native engine was loaded, got ${threads}. ` +
        'TensorFlow reads it once: set it in the first call, or start another process.',
    );
  }
  return Promise.resolve((loaded ??= load(threads)));
};

interface Binding {
  readonly TF_Version: string;
}

/** A place to load from: a binding with where it is from, or why there is none. */
type Attempt = { readonly from: string; readonly binding: Binding } | { readonly why: string };

function load(threads: number | undefined): Loaded {
  prepareProcess(threads);
  const reasons: string[] = [];
  for (const attempt of [findRegistered, loadInstalled, loadBuilt]) {
    const outcome = attempt();
    if (!outcome) continue;
    if ('why' in outcome) reasons.push(outcome.why);
    else {
      return {
        from: outcome.from,
        version: outcome.binding.TF_Version,
        threads: Number(process.env['TF_NUM_INTRAOP_THREADS']) || availableParallelism(),
      };
    }
  }
  throw new Error(reasons.join(', and '));
}

function findRegistered(): Attempt | undefined {
  const engine = tfc.findBackend('tensorflow') as unknown as { binding: Binding } | null;
  return engine
    ? { from: '@tensorflow/tfjs-node, imported by the application', binding: engine.binding }
    : undefined;
}

function loadInstalled(): Attempt {
  const places = [import.meta.url, pathToFileURL(join(process.cwd(), 'package.json')).href];
  for (const place of places) {
    const require = createRequire(place);
    let entry: string;
    try {
      entry = require.resolve('@tensorflow/tfjs-node');
    } catch {
      continue;
    }
    try {
      require(entry);
    } catch (error) {
      return { why: `the installed @tensorflow/tfjs-node does not load (${firstLine(error)})` };
    }
    const found = findRegistered();
    if (found && 'binding' in found) return { ...found, from: 'the installed @tensorflow/tfjs-node' };
    return { why: 'the installed @tensorflow/tfjs-node serves another copy of @tensorflow/tfjs-core' };
  }
  return { why: '@tensorflow/tfjs-node is not installed' };
}

// The built copy asks for `@tensorflow/tfjs`; the small modules in its node_modules hand it this application's
// tfjs-core through this key, so that no second instance of the library comes into play.
const handover = Symbol.for('ockham.tfjs');

function loadBuilt(): Attempt {
  const folder = nativeFolder();
  if (!existsSync(join(folder, 'ockham-native.json'))) return { why: '`pnpm native` has built no binding' };
  const require = createRequire(join(folder, 'node_modules', '@tensorflow', 'tfjs-node', 'package.json'));
  const shared = globalThis as Record<symbol, unknown>;
  try {
    shared[handover] = tfc;
    const binding = require('./lib/napi-v8/tfjs_binding.node') as Binding;
    const { NodeJSKernelBackend } = require('./dist/nodejs_kernel_backend.js') as {
      NodeJSKernelBackend: new (binding: Binding, packageName: string) => tfc.KernelBackend;
    };
    require('./dist/register_all_kernels.js');
    tfc.registerBackend('tensorflow', () => new NodeJSKernelBackend(binding, '@tensorflow/tfjs-node'), 3);
    return { from: 'the binding built by `pnpm native`', binding };
  } catch (error) {
    return { why: `the binding built by \`pnpm native\` does not load (${firstLine(error)})` };
  } finally {
    shared[handover] = undefined;
  }
}

function prepareProcess(threads: number | undefined): void {
  // TensorFlow reads these once, when its library is loaded.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  if (threads !== undefined) {
    process.env['TF_NUM_INTRAOP_THREADS'] = String(threads);
    process.env['OMP_NUM_THREADS'] = String(threads);
  }
  // tfjs-node 4.22 calls predicates that Node 23 removed and that Node 22 warns about.
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
    isString: (value: unknown) => typeof value === 'string',
  });
}

function firstLine(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return line;
}
