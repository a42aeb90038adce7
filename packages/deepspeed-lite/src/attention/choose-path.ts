import { BLOCK_ATTENTION } from '@ockham/core/kernels';
import { getBackend, getKernel } from '@tensorflow/tfjs-core';
import { layoutDensity, type BlockLayout } from './block-layout.ts';

/** How attention is computed, and why so. */
export interface AttentionPath {
  /** `kernel`: our own, over the present blocks; `blocks`: the same in operations of TensorFlow.js; `dense`: all scores, those of absent blocks hidden. */
  readonly path: 'kernel' | 'blocks' | 'dense';
  /** What decided it, in words. */
  readonly why: string;
}

/** Tokens below which gathering blocks costs more than it saves. */
const SHORT = 512;
/** Density from which it does. */
const NEARLY_FULL = 0.15;

/**
 * Which way `sparseAttention` takes with a layout on the engine in use. Our kernel is the fastest at every density, a full one
 * included; without it, short sequences and layouts that are nearly full are computed densely.
 *
 * @example
 * const { path, why } = attentionPath(blockLayout({ kind: 'longformer' }, { length: 4096 }));
 */
export function attentionPath(layout: BlockLayout): AttentionPath {
  const engine = getBackend();
  const density = layoutDensity(layout);
  if (getKernel(BLOCK_ATTENTION, engine))
    return { path: 'kernel', why: `the ${engine} engine has a kernel, the fastest way at any density` };
  if (layout.length < SHORT)
    return {
      path: 'dense',
      why: `${layout.length} tokens are fewer than ${SHORT}: products of small blocks cost more than they save`,
    };
  if (density >= NEARLY_FULL)
    return {
      path: 'dense',
      why: `${(100 * density).toFixed(0)} % of the blocks are present, ${100 * NEARLY_FULL} % or more`,
    };
  return {
    path: 'blocks',
    why: `${(100 * density).toFixed(1)} % of the blocks of ${layout.length} tokens are present`,
  };
}
