import { findBackendFactory, registerBackend, removeBackend } from '@tensorflow/tfjs-core';
import { useBackend, type BackendInfo, type UseBackendOptions } from '@ockham/core/backend/node';

let factory: ReturnType<typeof findBackendFactory> | undefined;

/** The wasm engine from the start, as in a process that has not loaded it; its tensors are gone. */
export async function freshWasm(options: UseBackendOptions = {}): Promise<BackendInfo> {
  if (!factory) await useBackend('wasm'); // registers it
  factory ??= findBackendFactory('wasm');
  removeBackend('wasm');
  registerBackend('wasm', factory, 2);
  return useBackend('wasm', options);
}
