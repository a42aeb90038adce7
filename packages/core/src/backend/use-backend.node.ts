import { chooseBackend } from './choose.ts';
import type { Platform } from './choose.ts';
import type { BackendInfo, EngineName, UseBackendOptions } from './engine.ts';
import { registered } from './loaders.ts';
import { loadNative } from './native.node.ts';
import { loadSharedWasm } from './shared-engine.node.ts';
import { spawnThread } from './spawn.node.ts';

const browsers = 'It is a browser’s engine; in Node take tensorflow, wasm or cpu.';

const platform: Platform = {
  loaders: {
    tensorflow: loadNative,
    wasm: loadSharedWasm,
    webgpu: registered('webgpu', 'registered by the application'),
    webgl: registered('webgl', 'registered by the application'),
    cpu: registered('cpu', 'registered by @tensorflow/tfjs-backend-cpu'),
  },
  order: ['tensorflow', 'wasm', 'cpu'],
  spawn: spawnThread,
  nextStep: {
    tensorflow:
      'Install @tensorflow/tfjs-node, or build the binding from registry packages with `pnpm native` in a clone of ' +
      'Ockham; the wasm engine needs neither.',
    wasm: 'Install the packages again: @tensorflow/tfjs-backend-wasm is a dependency of @ockham/core.',
    webgpu: browsers,
    webgl: browsers,
    cpu: "Import '@tensorflow/tfjs' or '@tensorflow/tfjs-backend-cpu' first.",
  },
};

/**
 * Sets the engine of TensorFlow.js in Node and registers the kernels that the engine lacks or computes wrongly.
 *
 * @param engine - Default `auto`: the native TensorFlow binding (the installed `@tensorflow/tfjs-node`, else the
 *   one built by `pnpm native`) where it loads, else wasm, else cpu; the reason says what kept the better ones
 *   away. A named engine loads or throws.
 * @throws ArgumentError for an unknown engine or a number of threads that comes too late; OckhamError
 *   `engine-unavailable` with the next step where the engine does not load.
 *
 * @example
 * import '@tensorflow/tfjs';
 * import { useBackend } from '@ockham/core/backend/node';
 *
 * const { name, reason } = await useBackend('auto', { threads: 2 });
 */
export async function useBackend(
  engine: EngineName = 'auto',
  options: UseBackendOptions = {},
): Promise<BackendInfo> {
  return chooseBackend(platform, engine, options);
}
