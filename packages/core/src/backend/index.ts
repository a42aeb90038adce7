export { describeBackend } from './choose.ts';
export type { BackendInfo, EngineName, UseBackendOptions } from './engine.ts';
export { installRepairs } from './repairs/install.ts';
export { useBackend } from './use-backend.ts';
