export { accelerate, type Accelerated, type AccelerateOptions } from './accelerate.ts';
export { type GenerateOptions } from './generate.ts';
export { bertPolicy, gptPolicy, type Policy } from './named-policies.ts';
export { generateTokens } from './plain-decoder.ts';
export type { DenseRole, HeadLayer, InferencePolicy, LayerRoles, NormRole } from './policy.ts';
export type { SamplingOptions } from './sampling.ts';
