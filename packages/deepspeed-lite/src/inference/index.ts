/**
 * Prediction by fused kernels, on one thread or on ranks: {@link accelerate}, {@link accelerateRanks}.
 *
 * @module
 */
export { accelerate, type Accelerated, type AccelerateOptions } from './accelerate.ts';
export { type GenerateOptions } from './generate.ts';
export { bertPolicy, gptPolicy, type Policy } from './named-policies.ts';
export { generateTokens } from './plain-decoder.ts';
export type { DenseRole, HeadLayer, InferencePolicy, LayerRoles, NormRole } from './policy.ts';
export type { QuantizeMatrix, MatrixQuantization } from './quantized-matrix.ts';
export type { SamplingOptions } from './sampling.ts';
export { accelerateRanks, type AccelerateRanksOptions, type RankedModel } from './accelerate-ranks.ts';
export {
  latencyOf,
  throughputOf,
  type InferenceCosts,
  type InferenceMesh,
  type Link,
} from './inference-costs.ts';
export { measureInference, type MeasureInferenceOptions } from './measure-inference.ts';
export { measureLink, type MeasureLinkOptions } from './measure-link.ts';
export { planInference, type InferencePlan, type PlanInferenceOptions } from './plan-inference.ts';
