/**
 * Learning from a stream, one example at a time, from a cold start: {@link coldStart}.
 *
 * @module
 */
export type * from './image.ts';
export * from './replay/index.ts';
export * from './augment/index.ts';
export * from './learner/index.ts';
export * from './stream/index.ts';
export * from './baselines/index.ts';
export * from './evaluation/index.ts';
export { kMeans, type KMeans, type KMeansOptions } from './k-means.ts';
