/**
 * The wasm engine on a memory that threads can share. TensorFlow.js has such a build for browsers and disables it in Node,
 * where its pool of threads does not start. The build with SIMD declares its memory as one to be kept to itself, in one byte;
 * with that byte changed the same code runs on a shared memory, at the same speed.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Loader } from './engine.ts';
import { isLoaded, loadWasm } from './loaders.ts';
import { shareMemory } from './share-memory.ts';

const BUILD = 'tfjs-backend-wasm-simd.wasm';

/** Loads the wasm engine, on a shared memory where more than one thread is asked for and it can be. */
export const loadSharedWasm: Loader = async (options) => {
  const { threads = 1, wasmPaths } = options;
  if (threads > 1 && wasmPaths === undefined && !isLoaded('wasm')) {
    const address = await sharedBuild();
    if (address !== undefined) {
      const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
      const names = ['tfjs-backend-wasm.wasm', BUILD, 'tfjs-backend-wasm-threaded-simd.wasm'];
      setWasmPaths(Object.fromEntries(names.map((name) => [name, address])), true);
    }
  }
  return loadWasm(options);
};

let built: Promise<string | undefined> | undefined;

/** The address of the changed build; undefined where anything is not as expected, and the stock one is to be taken. */
function sharedBuild(): Promise<string | undefined> {
  return (built ??= makeSharedBuild().catch(() => undefined));
}

async function makeSharedBuild(): Promise<string | undefined> {
  const file = createRequire(import.meta.url).resolve(`@tensorflow/tfjs-backend-wasm/dist/${BUILD}`);
  const made = shareMemory(new Uint8Array(await readFile(file)));
  if (!made || !WebAssembly.validate(made.bytes)) return undefined;
  new WebAssembly.Memory({ ...made.pages, shared: true }); // throws where there is no room for it
  const address = URL.createObjectURL(new Blob([made.bytes], { type: 'application/wasm' }));
  const { ok } = await fetch(address);
  return ok ? address : undefined;
}
