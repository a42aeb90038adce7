/**
 * All of `@ockham/count-sketch-embed` for Node, with tables in files.
 *
 * @module
 */
export * from './index.ts';
export { loadTable, saveTable } from './files/table-file.node.ts';
