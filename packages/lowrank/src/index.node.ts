/**
 * All of `@ockham/lowrank` for Node, with adapters in files.
 *
 * @module
 */
export * from './index.ts';
export { loadAdapter, saveAdapter } from './lora/adapter-file.node.ts';
