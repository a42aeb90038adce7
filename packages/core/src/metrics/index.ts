/**
 * What a model is like: accuracy, parameters, FLOPs, bytes, latency, and two models compared.
 *
 * @module
 */
export { evaluate, predictClasses, rankOf, type EvaluateOptions, type Evaluation } from './evaluate.ts';
export type { PredictOptions } from './predict.ts';
export { confusion, type Confusion } from './confusion.ts';
export { accuracyOf, f1Score, matthewsCorrelation, type ClassCounts } from './classification.ts';
export { pearson, spearman } from './correlation.ts';
export {
  glueFigures,
  glueMetrics,
  glueScore,
  type GlueFigures,
  type GlueMetric,
  type ScoredPairs,
  type ScoredTask,
} from './glue-score.ts';
export {
  countParameters,
  weightKind,
  type LayerParameters,
  type ParameterCounts,
  type ParameterTotals,
  type WeightKind,
} from './count-parameters.ts';
export {
  countFlops,
  type CountFlopsOptions,
  type FlopCounts,
  type FlopTotals,
  type LayerFlops,
} from './count-flops.ts';
export { flopRules, type CallCost, type FlopRule } from './flop-rules.ts';
export type { LayerCall, TensorShape } from './model-calls.ts';
export {
  compareLatency,
  measureLatency,
  type Latency,
  type LatencyComparison,
  type LatencyOptions,
} from './latency.ts';
export { measureSize, residentBytes, type ModelSize } from './measure-size.ts';
export {
  describeModel,
  describeModels,
  type DescribeModelsOptions,
  type DescribeOptions,
  type LayerReport,
  type ModelReport,
} from './model-report.ts';
export {
  compareModels,
  type CompareOptions,
  type ComparisonRow,
  type ModelComparison,
  type Promised,
} from './compare-models.ts';
export { formatComparison, formatLayers } from './format-report.ts';
export { pairedTTest, type PairedTTest, type PairedTTestOptions } from './paired-t-test.ts';
export { mean, median, quantile, standardDeviation } from './statistics.ts';
export { textTable } from './text-table.ts';
