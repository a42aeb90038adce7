/**
 * Pruning: {@link prune} sets weights to 0, {@link pruneStructured} removes channels and blocks.
 *
 * @module
 */
export { prune } from './prune.ts';
export type { PruneData } from './prune-data.ts';
export type { PruneOptions, PruneRecord, PruneResult } from './options.ts';
export type { ReportOptions } from './report.ts';
export type { Method } from './settings.ts';
export { formatPlan, plan, type PlanRow, type PrunePlan } from './plan.ts';
export { trainPruned, type RetrainOptions } from './retraining.ts';
export { Masks, masksOf, type MaskedWeight } from './masks.ts';
export { prunableWeights, type Exclude, type PrunableWeight } from './prunable.ts';
export type { Criterion, CriterionFunction, CriterionInput } from './criteria.ts';
export type { Pattern } from './pattern.ts';
export type { Scope } from './scope.ts';
export type { PruneAt, Schedule } from './schedule.ts';
export { summary, type Summary, type SummaryRow } from './summary.ts';
export { lotteryTicket } from './lottery-ticket.ts';
export type { LotteryTicketOptions, LotteryTicketResult, Ticket } from './lottery-options.ts';
export { formatLotteryPlan, lotteryPlan, type LotteryPlan } from './lottery-plan.ts';
export {
  decodeSparseModel,
  encodeSparseModel,
  type EncodedWeight,
  type SparseFile,
  type SparseFileOptions,
} from './sparse-file.ts';
export type { SparseFormat } from './sparse-encoding.ts';
export { sparsify, type SparseLayer, type SparseModel, type SparsifyOptions } from '@ockham/core/kernels';
export { pruneStructured } from './structured.ts';
export type {
  StructuredCounts,
  StructuredCriterion,
  StructuredOptions,
  StructuredRecord,
  StructuredResult,
  StructuredRetrainOptions,
} from './structured-options.ts';
export { formatStructuredPlan, type StructuredPlan, type StructuredPlanRow } from './structured-plan.ts';
export {
  FrankWolfeOptimizer,
  type FrankWolfeOptimizerOptions,
  type NamedTensor,
  type Rescale,
} from './frank-wolfe-optimizer.ts';
export {
  constrainKernels,
  expectedInitialNorm,
  type ConstraintRule,
  type LayerConstraint,
} from './layer-constraint.ts';
export {
  frankWolfe,
  type FrankWolfeOptions,
  type FrankWolfeRecord,
  type FrankWolfeResult,
  type StopReason,
} from './frank-wolfe.ts';
export type { FrankWolfeVariant, MoveKind } from './frank-wolfe-direction.ts';
export { leastSquares, type Problem } from './problem.ts';
export type { StepRule } from './step-size.ts';
export type { Atom } from './active-set.ts';
export * from './lmo/index.ts';
export {
  greedyForwardSelection,
  selectGreedily,
  type GreedyOptions,
  type GreedyRecord,
  type GreedyResult,
  type GreedyStep,
  type NeuronProducts,
} from './greedy-forward-selection.ts';
export {
  formatGreedyPlan,
  greedyLayerSelection,
  type GreedyLayerOptions,
  type GreedyLayerPlan,
  type GreedyLayerResult,
  type LayerSelection,
} from './greedy-layer-selection.ts';
