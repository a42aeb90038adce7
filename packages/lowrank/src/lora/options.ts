import { ArgumentError } from '@ockham/core';
import type { Seed } from '@ockham/core/random';
import type { Targets } from '../layer-rules.ts';
import type { LoraSite } from './targets.ts';

/** Options of one adapter: `addAdapter`. */
export interface AdapterOptions {
  /**
   * Rank r of A and B, in [1, min(m, n)] of each layer: a number, one for each layer by its name, or a function of the
   * layer. Default 8.
   */
  readonly rank?: number | Readonly<Record<string, number>> | ((site: LoraSite) => number);
  /** α: the low-rank part is multiplied by s = α/r. Default 8, the default rank, so that s = 1 there. */
  readonly alpha?: number;
  /** s = α/√r, which keeps the step independent of the rank (Kalajdzievski 2023). Default false. */
  readonly rsLora?: boolean;
  /** Fraction of the inputs of A dropped while training, in [0, 1). Embeddings have none to drop. Default 0. */
  readonly dropout?: number;
  /** Number N of heads, each of rank r: s/N Σ BₙAₙ (section 2.2.1). Default 1. */
  readonly heads?: number;
  /** Learn a magnitude for each output beside the direction (DoRA). Default false. */
  readonly dora?: boolean;
  /**
   * How A and B start. `gaussian`: A normal, B zero. `pissa`: the r largest singular parts of the kernel, which also
   * are subtracted, so that the output is the base's at first. Default `gaussian`.
   */
  readonly init?: 'gaussian' | 'pissa';
  /** Standard deviation of A. Default 1/√fan-in, so that xA is as large as x. */
  readonly deviation?: number;
  /** Seeds A, each layer by its name. Default 0. */
  readonly seed?: Seed;
}

/** Options of `applyLora`. */
export interface LoraOptions extends AdapterOptions {
  /** Which layers. Default: every dense and convolution layer outside `trainable`. */
  readonly targets?: Targets;
  /**
   * Layers that train whole, such as a new classifier: the adapter holds a copy of their weights. Default none. PEFT
   * calls them `modules_to_save`.
   */
  readonly trainable?: Targets;
  /** The first adapter's name. Default `default`. */
  readonly name?: string;
}

/** {@link AdapterOptions} with defaults; what depends on the layer is not in it. */
export interface AdapterPlan {
  /** α; the update is scaled by α / r, or α / √r with `rsLora`. */
  readonly alpha: number;
  /** Whether the scale is α / √r (Kalajdzievski 2023). */
  readonly rsLora: boolean;
  /** Part of the inputs that training drops, in [0, 1). */
  readonly dropout: number;
  /** Pairs of factors side by side, ≥ 1. */
  readonly heads: number;
  /** Whether directions and magnitudes are trained apart (Liu et al. 2024). */
  readonly dora: boolean;
  /** How the factors start: A normal and B zero, or the kernel's own largest singular vectors. */
  readonly init: 'gaussian' | 'pissa';
}

/** @throws ArgumentError for an option out of range. */
export function planAdapter(who: string, options: AdapterOptions): AdapterPlan {
  const { alpha = 8, rsLora = false, dropout = 0, heads = 1, dora = false, init = 'gaussian' } = options;
  if (!(alpha > 0) || !Number.isFinite(alpha)) {
    throw new ArgumentError(
      `${who}: alpha must be a positive number, got ${alpha}. With alpha = rank, s is 1.`,
    );
  }
  if (!(dropout >= 0 && dropout < 1)) {
    throw new ArgumentError(
      `${who}: dropout must be in [0, 1), the fraction of A's inputs set to zero; got ${dropout}.`,
    );
  }
  if (!Number.isInteger(heads) || heads < 1) {
    throw new ArgumentError(`${who}: heads must be an integer ≥ 1, got ${heads}.`);
  }
  if (init !== 'gaussian' && init !== 'pissa') {
    throw new ArgumentError(`${who}: init must be 'gaussian' or 'pissa', got '${String(init)}'.`);
  }
  if (init === 'pissa' && (heads > 1 || dora)) {
    throw new ArgumentError(
      `${who}: init 'pissa' takes one head and no dora, got heads ${heads}, dora ${dora}. Several heads would start as parts of one decomposition: raise the rank instead.`,
    );
  }
  if (options.deviation !== undefined && !(options.deviation > 0)) {
    throw new ArgumentError(`${who}: deviation must be positive, got ${options.deviation}.`);
  }
  return { alpha, rsLora, dropout, heads, dora, init };
}

/**
 * The rank at every site.
 *
 * @throws ArgumentError for a rank beyond min(m, n), or a map that leaves out a layer or names another.
 */
export function ranksOf(
  who: string,
  sites: readonly LoraSite[],
  rank: NonNullable<AdapterOptions['rank']>,
): number[] {
  if (typeof rank === 'object') {
    const paths = new Set(sites.map(({ path }) => path));
    const stray = Object.keys(rank).filter((path) => !paths.has(path));
    const missing = [...paths].filter((path) => !Object.hasOwn(rank, path));
    if (stray.length + missing.length > 0) {
      throw new ArgumentError(
        `${who}: a map of ranks must name each adapted layer and no other; missing: ${missing.join(', ') || 'none'}; unknown: ${stray.join(', ') || 'none'}.`,
      );
    }
  }
  return sites.map((site) => {
    const { path, inputs, outputs } = site;
    const r = typeof rank === 'function' ? rank(site) : typeof rank === 'object' ? rank[path]! : rank;
    const most = Math.min(inputs, outputs);
    if (Number.isInteger(r) && r >= 1 && r <= most) return r;
    throw new ArgumentError(
      `${who}: rank must be an integer in [1, min(m, n)] = [1, ${most}] for ${path} [${inputs}, ${outputs}], got ${r}. Lower it, give a rank per layer, or leave the layer out of targets.`,
    );
  });
}
