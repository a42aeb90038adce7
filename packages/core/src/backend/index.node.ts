/**
 * {@link useBackend} for Node, where the native engine is one of the choices.
 *
 * @module
 */
export { describeBackend } from './choose.ts';
export type { BackendInfo, EngineName, UseBackendOptions } from './engine.ts';
export { nativeFolder, nativeVersion } from './native.node.ts';
export { installRepairs } from './repairs/install.ts';
export { useBackend } from './use-backend.node.ts';
export { hostOf, type Host } from './repairs/host.ts';
export { ownValues } from './wasm-kernels/adam.ts';
export { kernelsOf, type AttachedKernels } from './wasm-kernels/attach.ts';
