export { compressLowRank } from './compress-low-rank.ts';
export type {
  CompressLowRankOptions,
  CompressLowRankResult,
  LowRankRetrainOptions,
  RankRule,
} from './options.ts';
export { formatLowRankPlan, type LowRankPlan, type LowRankRow } from './plan.ts';
export { mergeFactors } from './merge-factors.ts';
export { replaceByFactors } from './replace-by-factors.ts';
export type { Factors } from './split-layer.ts';
export { truncate, type TruncateOptions, type Truncation } from './truncate.ts';
export { pufferfish, pufferfishVgg19 } from './pufferfish.ts';
export type {
  PufferfishData,
  PufferfishEpoch,
  PufferfishOptions,
  PufferfishResult,
} from './pufferfish-options.ts';
