/**
 * LoRA-the-Explorer, training on many ranks with few bytes: {@link lte}.
 *
 * @module
 */
export { lte, type LteResult } from './lte.ts';
export type { LteOptions, LteRecord } from './options.ts';
