/**
 * Writes files and snapshots in Node so that what is cut short leaves the former content.
 *
 * @module
 */
export * from './file-store.node.ts';
export { ockhamCache } from './ockham-folders.node.ts';
export * from './write-file.node.ts';
