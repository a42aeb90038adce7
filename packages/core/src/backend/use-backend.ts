import { chooseBackend } from './choose.ts';
import type { Platform } from './choose.ts';
import type { BackendInfo, EngineName, UseBackendOptions } from './engine.ts';
import { loadWasm, registered } from './loaders.ts';
import { spawnWorker } from './spawn.ts';

const platform: Platform = {
  loaders: {
    tensorflow: registered('tensorflow', 'registered by @tensorflow/tfjs-node'),
    wasm: loadWasm,
    webgpu: registered('webgpu', 'registered by @tensorflow/tfjs-backend-webgpu'),
    webgl: registered('webgl', 'registered by @tensorflow/tfjs-backend-webgl'),
    cpu: registered('cpu', 'registered by @tensorflow/tfjs-backend-cpu'),
  },
  order: ['wasm', 'cpu'],
  ...(typeof Worker !== 'undefined' && { spawn: spawnWorker }),
  nextStep: {
    tensorflow: 'The native engine is Node’s: call useBackend from @ockham/core/backend/node there.',
    wasm: 'Serve its .wasm files and name their folder in the option wasmPaths, or take another engine.',
    webgpu: "Import '@tensorflow/tfjs-backend-webgpu' first, in a browser that has WebGPU.",
    webgl: "Import '@tensorflow/tfjs' or '@tensorflow/tfjs-backend-webgl' first, in a browser.",
    cpu: "Import '@tensorflow/tfjs' or '@tensorflow/tfjs-backend-cpu' first.",
  },
};

/**
 * Sets the engine of TensorFlow.js in a browser, or anywhere else without Node's own modules, and registers the
 * kernels that the engine lacks or computes wrongly. In Node take `@ockham/core/backend/node`, which also knows
 * the native engine.
 *
 * @param engine - Default `auto`: wasm, else cpu. It never takes webgl or webgpu unasked, since their precision
 *   depends on the graphics card.
 * @throws ArgumentError for an unknown engine; OckhamError `engine-unavailable` where it does not load.
 *
 * @example
 * import '@tensorflow/tfjs';
 * import { describeBackend, useBackend } from '@ockham/core/backend';
 *
 * await useBackend('wasm', { wasmPaths: '/assets/' });
 * document.title = describeBackend();
 */
export async function useBackend(
  engine: EngineName = 'auto',
  options: UseBackendOptions = {},
): Promise<BackendInfo> {
  return chooseBackend(platform, engine, options);
}
