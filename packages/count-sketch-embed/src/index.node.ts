export * from './index.ts';
export { loadTable, saveTable } from './files/table-file.node.ts';
