/**
 * Low-rank adaptation, training and compression: {@link applyLora}, {@link dlrt}, {@link pufferfish}, {@link
 * compressLowRank}.
 *
 * @module
 */
export type { LayerRule, Targets } from './layer-rules.ts';
export * from './lora/index.ts';
export * from './dlrt/index.ts';
export * from './factorise/index.ts';
export * from './lte/index.ts';
export * from './galore/index.ts';
