export { lte, type LteResult } from './lte.ts';
export type { LteOptions, LteRecord } from './options.ts';
