/** The sizes of a head that attends by blocks, and what its dropout keeps. */
export interface AttentionGeometry {
  /** Tokens. */
  readonly length: number;
  /** Numbers of a token in one head. */
  readonly depth: number;
  /** Numbers from one token to the next in memory. */
  readonly stride: number;
  readonly block: number;
  readonly blocks: number;
  /** Whether no query sees a later key. */
  readonly causal: boolean;
  /** What scores are multiplied by. */
  readonly scale: number;
  /** Fraction of probabilities that is dropped, in [0, 1). */
  readonly rate: number;
  /** Byte offset of the present columns. */
  readonly columns: number;
}

/** Bytes of {@link writeAttention}. */
export const ATTENTION_BYTES = 40;

/** Writes a geometry as the kernels read it. */
export function writeAttention(memory: WebAssembly.Memory, address: number, g: AttentionGeometry): void {
  const view = new DataView(memory.buffer, address, ATTENTION_BYTES);
  for (const [i, value] of [g.length, g.depth, g.stride, g.block, g.blocks, Number(g.causal)].entries())
    view.setInt32(4 * i, value, true);
  view.setFloat32(24, g.scale, true);
  view.setUint32(28, g.columns, true);
  view.setUint32(32, leastDraw(g.rate), true);
  view.setFloat32(36, 1 / (1 - g.rate), true);
}

/** Draws, whole numbers below 2³², are kept from this one on. */
export function leastDraw(rate: number): number {
  return Math.round(rate * 2 ** 32);
}
