/** What the page asks: to train a network from a seed, or to prune it to a sparsity in [0, 1). */
export type PruningCommand =
  | { readonly do: 'train'; readonly seed: number }
  | { readonly do: 'prune'; readonly seed: number; readonly sparsity: number };

/** A network at one sparsity. */
export interface PrunedNetwork {
  readonly sparsity: number;
  /** Weights of the kernels that are left, of how many. */
  readonly nonZeros: number;
  readonly weights: number;
  /** Bytes of its file. */
  readonly bytes: number;
  /** Of one image, this machine, now: median in milliseconds; and how many times as fast as dense, in turns with it. */
  readonly latency: number;
  readonly speedup: number;
  /** On digits that it did not learn from, in [0, 1]. */
  readonly accuracy: number;
  /** Which weights of the second layer are left, `[inputs, outputs]`: their sizes as grey levels 0–255, and 0 where there is none. */
  readonly kernel: Uint8Array;
  readonly kernelShape: readonly [inputs: number, outputs: number];
  /** How many weights read each of the 28 × 28 pixels, as grey levels 0–255. */
  readonly reads: Uint8Array;
}

/** What the page hears. */
export type PruningReport =
  | { readonly kind: 'training'; readonly done: number; readonly total: number; readonly loss: number }
  | { readonly kind: 'pruning'; readonly sparsity: number; readonly iteration: number; readonly of: number }
  | { readonly kind: 'network'; readonly network: PrunedNetwork };
