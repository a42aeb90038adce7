export { flatLayout, shareOfRank, type FlatEntry, type FlatLayout } from './zero/flat-layout.ts';
export type { FlatOptimizer, FlatSlice, SumOverSlices, UpdateContext } from './optimizers/flat-optimizer.ts';
export { adam, adamW, type AdamOptions } from './optimizers/adam.ts';
export { lamb, type LambOptions } from './optimizers/lamb.ts';
export { lion, type LionOptions } from './optimizers/lion.ts';
export { optimizerFrom, type OptimizerConfig, type OptimizerName } from './optimizers/optimizer-from.ts';
export { sgd, type SgdOptions } from './optimizers/sgd.ts';
