export { flatLayout, shareOfRank, type FlatEntry, type FlatLayout } from './zero/flat-layout.ts';
export type { FlatOptimizer, FlatSlice, SumOverSlices, UpdateContext } from './optimizers/flat-optimizer.ts';
