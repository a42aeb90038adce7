/**
 * Recovery of a matrix of low rank from measurements: {@link recover}, {@link complete}.
 *
 * @module
 */
export { recover, type Recovery, type RecoveryRecord } from './recover.ts';
export type { RecoverOptions } from './options.ts';
export type { RecoveryMethod } from './methods/registry.ts';
export type { Factors } from './methods/method.ts';
export type { RecoveryCertificate } from './certificate.ts';
export { estimateRank, type RankEstimate } from './rank.ts';
export {
  recoveryProblem,
  type RecoveryData,
  type RecoveryProblem,
  type RecoveryProblemOptions,
} from './problem.ts';
export { complete, type CompleteOptions, type Completion, type CompletionRecord } from './complete.ts';
export {
  completionProblem,
  type CompletionProblem,
  type CompletionProblemOptions,
  type ObservedEntries,
} from './completion-problem.ts';
