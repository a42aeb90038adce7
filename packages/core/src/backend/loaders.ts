import { engine, env, findBackendFactory } from '@tensorflow/tfjs-core';
import type { Loader } from './engine.ts';

/** Loads the wasm engine, a dependency of this package, on demand. */
export const loadWasm: Loader = async ({ threads, wasmPaths }) => {
  const present = isLoaded('wasm');
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  if (!present && wasmPaths !== undefined) wasm.setWasmPaths(wasmPaths);
  const [simd, pool] = await Promise.all([
    env().getAsync('WASM_HAS_SIMD_SUPPORT'),
    env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT'),
  ]);
  if (!present && pool && threads !== undefined) wasm.setThreadsCount(threads);
  return {
    from: 'the package @tensorflow/tfjs-backend-wasm',
    version: wasm.version_wasm,
    simd: Boolean(simd),
    ...(pool ? {} : { threads: 1 }),
  };
};

/** Whether an engine is initialised; unlike `findBackend`, this does not begin it. */
export function isLoaded(name: string): boolean {
  return name in engine().registry;
}

/** An engine that the application's own imports register, so that bundles carry none they do not use. */
export function registered(name: string, from: string): Loader {
  return () =>
    findBackendFactory(name)
      ? Promise.resolve({ from })
      : Promise.reject(new Error('no import of the application has registered it'));
}
