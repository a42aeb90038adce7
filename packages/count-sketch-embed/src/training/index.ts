export { SparseAdam, type SparseAdamOptions } from './sparse-adam.ts';
export { SparseSgd } from './sparse-sgd.ts';
export { tablesOf } from './tables.ts';
