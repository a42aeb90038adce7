export { flatLayout, shareOfRank, type FlatEntry, type FlatLayout } from './zero/flat-layout.ts';
export type { FlatOptimizer, FlatSlice, SumOverSlices, UpdateContext } from './optimizers/flat-optimizer.ts';
export { vjp, type Gradients, type Vjp } from './autograd/vjp.ts';
export { callsOf, type Calls, type LayerCall, type Value } from './program/calls.ts';
export { cutModel, type Block, type CutOptions, type Program } from './program/cut-model.ts';
export {
  applyProgram,
  gradientsOf,
  MicroBatch,
  type MicroBatchOptions,
  type ProgramGradients,
} from './program/micro-batch.ts';
export {
  runBlock,
  tapeBlock,
  type BlockRun,
  type Penalty,
  type RunMode,
  type TapedRun,
  type Watch,
} from './program/run-block.ts';
