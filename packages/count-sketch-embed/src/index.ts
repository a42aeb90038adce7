/**
 * Compressed embedding tables as layers, a trained table fitted into each, and models with their tables replaced.
 *
 * @module
 */
export * from './hashing/index.ts';
export * from './layers/index.ts';
export * from './training/index.ts';
export * from './fit/index.ts';
export * from './files/index.ts';
export * from './adviser/index.ts';
export * from './models/index.ts';
