/**
 * Chooses the engine of a page or worker, says which it is and why, and repairs what the stock WebAssembly engine
 * lacks or computes wrongly.
 *
 * @module
 */
export { describeBackend } from './choose.ts';
export type { BackendInfo, EngineName, UseBackendOptions } from './engine.ts';
export { installRepairs } from './repairs/install.ts';
export { useBackend } from './use-backend.ts';
export { hostOf, type Host } from './repairs/host.ts';
export { ownValues } from './wasm-kernels/adam.ts';
export { kernelsOf, type AttachedKernels } from './wasm-kernels/attach.ts';
