import { backend, getBackend, ready, setBackend } from '@tensorflow/tfjs-core';
import { ArgumentError, OckhamError } from '../errors.ts';
import { describeEngine } from './engine.ts';
import type { BackendInfo, EngineName, Loader, UseBackendOptions } from './engine.ts';
import { installRepairs } from './repairs/install.ts';
import type { Spawn } from '../kernels/threads/team.ts';
import { attachKernels } from './wasm-kernels/attach.ts';
import { shareWork, threadsInUse, type Threads } from './wasm-kernels/threads.ts';

type Named = BackendInfo['name'];

/** The engines that a platform can load; `auto` tries them in `order`. */
export interface Platform {
  readonly loaders: Readonly<Record<Named, Loader>>;
  readonly order: readonly Named[];
  /** Starts worker threads for the wasm engine. Default: none. */
  readonly spawn?: Spawn;
  /** What to do where an engine does not load. */
  readonly nextStep: Readonly<Record<Named, string>>;
}

/** The engine in use, and on wasm the threads that it was given. */
let current: { readonly engine: BackendInfo; readonly given: Threads | undefined } | undefined;

/** The choice being made: TensorFlow.js drops an initialisation when another begins, so that calls wait for each other. */
let choosing: Promise<unknown> = Promise.resolve();

/** Loads and sets the engine asked for, or for `auto` the first that loads, with the repairs it needs. */
export function chooseBackend(
  platform: Platform,
  engine: EngineName,
  options: UseBackendOptions,
): Promise<BackendInfo> {
  const choice = choosing.then(() => choose(platform, engine, options));
  choosing = choice.catch(() => undefined);
  return choice;
}

async function choose(
  platform: Platform,
  engine: EngineName,
  options: UseBackendOptions,
): Promise<BackendInfo> {
  const known = ['auto', ...Object.keys(platform.loaders)];
  if (!known.includes(engine)) {
    throw new ArgumentError(`useBackend: engine must be one of ${known.join(', ')}, got ${engine}.`);
  }
  const { threads } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new ArgumentError(
      `useBackend: threads must be a whole number from 1, got ${threads}. Leave it out for all.`,
    );
  }
  const passed: string[] = [];
  for (const name of engine === 'auto' ? platform.order : [engine]) {
    try {
      const { from, ...facts } = await platform.loaders[name](options);
      await activate(name);
      const given = name === 'wasm' ? await shareWork(threads, platform.spawn) : undefined;
      current = { engine: { name, reason: [from, ...passed].join('; '), ...facts }, given };
      return withThreads(current.engine, given);
    } catch (cause) {
      if (cause instanceof ArgumentError) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      if (engine === 'auto') passed.push(`not ${name}: ${why}`);
      else {
        throw new OckhamError(
          'engine-unavailable',
          `useBackend: the engine ${name} must load, but ${why}. ${platform.nextStep[name]}`,
          { cause },
        );
      }
    }
  }
  throw new OckhamError(
    'engine-unavailable',
    `useBackend: no engine loads (${passed.join('; ')}). ${platform.nextStep.cpu}`,
  );
}

function withThreads(engine: BackendInfo, given: Threads | undefined): BackendInfo {
  if (!given) return engine;
  const { threads, why } = given;
  const { reason } = engine;
  return { ...engine, threads, ...(why !== undefined && { reason: `${reason}; not more threads: ${why}` }) };
}

async function activate(name: Named): Promise<void> {
  installRepairs();
  if (!(await setBackend(name))) throw new Error('its initialisation failed');
  await ready();
  if (name === 'wasm') await attachKernels();
  // The cpu engine greets its first tensor in Node with three lines of advertisement.
  if (name === 'cpu') Object.assign(backend(), { firstUse: false });
}

/**
 * Which engine is in use and why, in one line, such as
 * `tensorflow 2.18.1, 2 threads: the binding built by pnpm native`.
 */
export function describeBackend(): string {
  const name = getBackend();
  if (current?.engine.name === name) {
    const { engine, given } = current;
    return describeEngine(withThreads(engine, given && { ...given, ...threadsInUse() })); // a worker may be lost since
  }
  return name ? `${name}: set by the application` : 'no engine: call useBackend() first';
}
