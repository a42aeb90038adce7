import '@tensorflow/tfjs';
import { useBackend } from '@ockham/core/backend';
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import { env } from '@tensorflow/tfjs-core';

const wasmPaths = {
  'tfjs-backend-wasm.wasm': plain,
  'tfjs-backend-wasm-simd.wasm': simd,
  'tfjs-backend-wasm-threaded-simd.wasm': threaded, // TensorFlow.js wants the address, whether it loads it or not
};

/** The engine of every exhibit that trains: WebAssembly on one thread, so that a second core is left to the page. */
export async function startEngine(): Promise<void> {
  await import('@tensorflow/tfjs-backend-wasm'); // registers the flag
  env().set('WASM_HAS_MULTITHREAD_SUPPORT', false); // the threaded binary starts workers of its own
  await useBackend('wasm', { wasmPaths, threads: 1 });
}
