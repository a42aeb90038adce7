export { describeBackend } from './choose.ts';
export type { BackendInfo, EngineName, UseBackendOptions } from './engine.ts';
export { nativeFolder, nativeVersion } from './native.node.ts';
export { installRepairs } from './repairs/install.ts';
export { useBackend } from './use-backend.node.ts';
