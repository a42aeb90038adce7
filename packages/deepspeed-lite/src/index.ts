/**
 * Training on many ranks. Compression to few bits, attention by blocks and fused inference are entries of their own: `compress`,
 * `attention` and `inference`.
 *
 * @module
 */
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
export { adam, adamW, type AdamOptions } from './optimizers/adam.ts';
export { lamb, type LambOptions } from './optimizers/lamb.ts';
export { lion, type LionOptions } from './optimizers/lion.ts';
export { optimizerFrom, type OptimizerConfig, type OptimizerName } from './optimizers/optimizer-from.ts';
export { sgd, type SgdOptions } from './optimizers/sgd.ts';
export type { CompressedContext, CompressedOptimizer, SlotKind } from './optimizers/compressed-optimizer.ts';
export {
  compressedOptimizerFrom,
  isCompressed,
  type CompressedOptimizerConfig,
} from './optimizers/compressed-optimizer-from.ts';
export {
  compressedMean,
  type CompressedMeanOptions,
  type CompressionErrors,
} from './optimizers/compressed-mean.ts';
export {
  compressedState,
  gatherCompressedState,
  restoreCompressedState,
  type SavedCompressedState,
} from './optimizers/compressed-state.ts';
export { scaledSign, topK, type Compressor } from './optimizers/compressors.ts';
export { ef21, type Ef21Options } from './optimizers/ef21.ts';
export { oneBitAdam, type OneBitAdamOptions } from './optimizers/one-bit-adam.ts';
export { oneBitLamb, type OneBitLambOptions } from './optimizers/one-bit-lamb.ts';
export type { ScaleRange } from './optimizers/signs.ts';
export {
  zeroOneAdam,
  zeroOneSchedule,
  type ZeroOneAdamOptions,
  type ZeroOneStep,
} from './optimizers/zero-one-adam.ts';
export { batchSizes, type BatchSizes } from './engine/batch-sizes.ts';
export type { EngineConfig, Precision } from './engine/config.ts';
export type { MeshShape } from './mesh/rank-mesh.ts';
export type { BlockCost } from './mesh/stage.ts';
export type { Engine, FitOptions } from './engine/engine.ts';
export { initialize, type InitializeOptions } from './engine/initialize.ts';
export type { EnginePosition } from './engine/rank-state.ts';
export type { LossScalingOptions } from './engine/loss-scaling.ts';
export type { BufferBytes, EngineReport, PersistentBytes } from './engine/report.ts';
export type { ZeroStage } from './zero/gradient-store.ts';
export { verify, type Difference, type VerifyOptions, type VerifyReport } from './engine/verify.ts';
export type { CheckpointStores } from './checkpoint/checkpoint.ts';
export { memoryStores } from './checkpoint/memory-stores.ts';
export { plan, type HeldBytes, type MemoryPlan, type PlanOptions, type RankPlan } from './plan/plan.ts';
export { balanceStages } from './pipeline/balance-stages.ts';
export { runPipeline, type BlockHooks, type LossTerm, type PipelineWork } from './pipeline/run-pipeline.ts';
export { runSchedule, type PassTimes, type ScheduleRun } from './pipeline/run-schedule.ts';
export {
  pipelineSchedule,
  type PipelineSchedule,
  type PipelineShape,
  type PipelineStep,
  type ScheduleName,
} from './pipeline/schedule.ts';
export {
  CopyToRanks,
  GatherFromRanks,
  ReduceFromRanks,
  type GatherFromRanksArgs,
  type Marker,
} from './tensor/marker-layers.ts';
export { DropoutPart, type DropoutPartArgs } from './tensor/dropout-part.ts';
export { planSplits, type Split as LayerSplit, type SplitPlan } from './tensor/plan-splits.ts';
export type { SplitCheckpoints, SplitInput, Stowed } from './program/split-inputs.ts';
export { ContiguousBuffer } from './program/contiguous-buffer.ts';
export { splitModel, type SplitModel, type WeightPart } from './tensor/split-model.ts';
export { VocabularyPart, type VocabularyPartArgs } from './tensor/vocabulary-part.ts';
export {
  learningRateRange,
  type LearningRateRange,
  type LearningRateRangeOptions,
  type RangePoint,
} from './tuning/learning-rate-range.ts';
export {
  oneCycle,
  scaleLearningRate,
  warmupDecay,
  type Decay,
  type OneCycle,
  type OneCycleOptions,
  type Schedule,
  type WarmupDecayOptions,
} from './tuning/schedules.ts';
export {
  curriculum,
  lengthDifficulty,
  lossDifficulty,
  pacing,
  type Curriculum,
  type CurriculumOptions,
  type Pacing,
  type PacingOptions,
} from './data-efficiency/curriculum.ts';
export {
  blockFlops,
  efficiencyLedger,
  type EfficiencyCounts,
  type LedgerStep,
  type StackSizes,
} from './data-efficiency/efficiency-ledger.ts';
export {
  LayerDrop,
  setSurvival,
  survivals,
  type LayerDropArgs,
  type SurvivalsOptions,
} from './data-efficiency/layer-drop.ts';
export {
  ChooseTokens,
  dropTokens,
  keptTokens,
  PutBackTokens,
  setKeptTokens,
  TakeTokens,
  type ChooseTokensArgs,
  type KeptTokensOptions,
} from './data-efficiency/token-drop.ts';
export { fromExperts, toExperts, type ExchangeSizes } from './experts/expert-exchange.ts';
export {
  applyExperts,
  balanceLoss,
  combineTokens,
  dispatchTokens,
  type ExpertWeights,
} from './experts/expert-functions.ts';
export { MixtureOfExperts, type MixtureOfExpertsArgs } from './experts/mixture-of-experts.ts';
export {
  firstChoices,
  routeTokens,
  tokenOfRow,
  type Routing,
  type RoutingOptions,
} from './experts/routing.ts';
