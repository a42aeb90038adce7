/**
 * Reads and writes sparse files in Node.
 *
 * @module
 */
export { loadSparseModel, saveSparseModel } from './sparse-file.node.ts';
