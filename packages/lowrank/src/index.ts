/**
 * Low-rank adaptation, training and compression: {@link applyLora}, {@link dlrt}, {@link pufferfish}, {@link
 * compressLowRank}. Optimization with gradients of low rank, training on many ranks and recovery are entries of their own: `galore`,
 * `lte` and `recovery`.
 *
 * @module
 */
export type { LayerRule, Targets } from './layer-rules.ts';
export * from './lora/index.ts';
export * from './dlrt/index.ts';
export * from './factorise/index.ts';
