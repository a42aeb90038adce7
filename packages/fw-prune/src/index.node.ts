export { loadSparseModel, saveSparseModel } from './sparse-file.node.ts';
