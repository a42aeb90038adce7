/**
 * Errors, data sets in memory and progress: the types that every other entry speaks in.
 *
 * @module
 */
export * from './errors.ts';
export * from './dataset.ts';
export * from './progress.ts';
