/**
 * The kernels of `linalg`, in double precision: a module of its own, with its own memory. The workspace of `addProduct`
 * lies at its start, matrices after it; see `linalg/arena.ts`.
 */
export { addProduct, workspaceBytes } from './panel-product';
export { addOuter, addRows, rotateRows, rowsTimesVector } from './row-products';
