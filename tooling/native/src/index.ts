export { buildNative } from './build.ts';
export type { NativeBuild } from './build.ts';
