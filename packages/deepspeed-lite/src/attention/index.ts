/**
 * Attention by blocks, in place of all pairs: {@link sparseAttention}, {@link withSparseAttention}.
 *
 * @module
 */
export { blockLayout, layoutDensity, type BlockLayout, type LayoutSizes } from './block-layout.ts';
export type {
  BigBirdPattern,
  BlockMatrix,
  BlockPattern,
  CustomPattern,
  DensePattern,
  Direction,
  FixedPattern,
  GlobalBlocks,
  LongformerPattern,
  VariablePattern,
} from './block-pattern.ts';
export { attentionPath, type AttentionPath } from './choose-path.ts';
export { sparseAttentionFlopRules } from './flop-rules.ts';
export { layoutText } from './layout-text.ts';
export { sparseAttention, type SparseAttentionOptions } from './sparse-attention.ts';
export { SparseAttention, type SparseAttentionArgs } from './sparse-attention-layer.ts';
export { withSparseAttention } from './with-sparse-attention.ts';
