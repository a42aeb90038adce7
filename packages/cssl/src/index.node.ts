/**
 * All of `@ockham/cssl` for Node: {@link coldStart} keeps its state in a file, offline twins are cached.
 *
 * @module
 */
export * from './index.ts';
export { offlineCache } from './evaluation/offline-cache.node.ts';
export { coldStart } from './learner/cold-start.node.ts'; // in place of the browser's
