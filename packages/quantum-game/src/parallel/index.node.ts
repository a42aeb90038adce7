/**
 * The game with one worker thread for each level, for Node.
 *
 * @module
 */
export * from './index.ts';
export { playInWorkers } from './play-in-workers.node.ts';
