import { ArgumentError, UnsupportedModelError, type Progress, type Split } from '@ockham/core';
import type { Communicator } from '@ockham/core/comm';
import type { Seed } from '@ockham/core/random';
import {
  checkFit,
  flatLayers,
  type Loss,
  type OptimizerSpec,
  type SnapshotStore,
} from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Targets } from '../layer-rules.ts';
import type { AdapterOptions } from '../lora/index.ts';

/** Options of {@link lte}. Only `epochs` is required. */
export interface LteOptions {
  /** Passes over the data, above 0: each head passes over its own shard as often. Fractions allow less than one. */
  readonly epochs: number;
  /** N: heads, each with factors and a shard of its own, from 1, whatever the number of ranks. Default 4. */
  readonly heads?: number;
  /** r, in [1, min(m, n)] of each layer: a number, one by layer name, or a function of the layer. Default 8. */
  readonly rank?: NonNullable<AdapterOptions['rank']>;
  /** T: steps of every head between two merges, from 1. Default 10. */
  readonly mergeEvery?: number;
  /** s, above 0: a head computes with W + s·AₙBₙ, and s/N Σ AₙBₙ is merged. Default 1. */
  readonly scale?: number;
  /** Examples in one step of one head, from 1. Default 32. */
  readonly batchSize?: number;
  /** Of every head; the state of B starts anew after each merge. Default adam, 0.001. */
  readonly optimizer?: OptimizerSpec | OptimizerSpec['name'];
  /** Learning rate for step `step` of `total`; overrides the optimizer's own. */
  readonly learningRate?: (step: number, total: number) => number;
  /** Default `crossEntropy`. */
  readonly loss?: Loss;
  /** Which layers are adapted. Default: every dense and convolution layer. Their kernels move by merges only. */
  readonly targets?: Targets;
  /**
   * How A starts. `gaussian`: normal with deviation 1/√fan-in. `orthogonal`: random orthonormal columns. `gradient`: orthonormal
   * columns that span the leading directions of the kernel's gradient on the head's next batch, for one dense gradient a draw; a
   * random A of rank r sees only r/m of the gradient. Default `gradient`.
   */
  readonly factor?: 'gaussian' | 'orthogonal' | 'gradient';
  /** What becomes of A after a merge. `keep` goes on with it, `redraw` draws another. Default `redraw`. */
  readonly afterMerge?: 'keep' | 'redraw';
  /** Whether A learns too. Where it does not, and was not drawn from a gradient, only B travels. Default true. */
  readonly trainA?: boolean;
  /**
   * What becomes of the trainable weights that are not adapted, such as biases: each head trains its own, and their mean is merged,
   * or none does. Default `average`.
   */
  readonly others?: 'average' | 'freeze';
  /** Heads compute with adapted kernels in int8, a scale for each output; merges go to the float32 ones. Default false. */
  readonly quantise?: boolean;
  /** Shards, order, factors and dropout. Default 0. */
  readonly seed?: Seed;
  /** Who carries messages: a communicator of `@ockham/core/comm`, of at most as many ranks as heads. Default `self`. */
  readonly transport?: 'self' | Communicator;
  /** Called after each merge, at every rank. */
  readonly onMerge?: (record: LteRecord) => void | Promise<void>;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Stops the run: at once, or with a checkpoint after the merge that is under way. */
  readonly signal?: AbortSignal;
  /**
   * Where this rank's part of the run is kept while it lasts: a store of its own for every rank, or for none. A run that
   * finds its checkpoints there goes on from them, to the bit. Ranks of `simulate` need stores in memory, since its clock waits
   * for no disk.
   */
  readonly checkpoint?: SnapshotStore;
  /** Merges between checkpoints, from 1. Default: about those of one pass over the data. */
  readonly snapshotEvery?: number;
}

/** One merge. */
export interface LteRecord {
  /** From 1. */
  readonly merge: number;
  /** Steps of each head so far. */
  readonly steps: number;
  /** Mean over the heads and their steps since the last merge. */
  readonly loss: number;
}

/** {@link LteOptions} with defaults. */
export interface LteSettings {
  readonly heads: number;
  readonly rank: NonNullable<AdapterOptions['rank']>;
  readonly T: number;
  readonly scale: number;
  readonly batchSize: number;
  readonly total: number;
  /** Merges between checkpoints. */
  readonly snapshotEvery: number;
  readonly loss: Loss;
  readonly factor: 'gaussian' | 'orthogonal' | 'gradient';
  readonly afterMerge: 'keep' | 'redraw';
  readonly trainA: boolean;
  readonly others: 'average' | 'freeze';
  readonly quantise: boolean;
}

/** @throws ArgumentError for an option outside its range or data that does not fit; UnsupportedModelError. */
export function settingsOf(model: LayersModel, data: Split, options: LteOptions, ranks: number): LteSettings {
  const { epochs, heads = 4, rank = 8, mergeEvery = 10, scale = 1, batchSize = 32 } = options;
  const { loss = 'crossEntropy', factor = 'gradient', afterMerge = 'redraw' } = options;
  const { trainA = true, others = 'average', quantise = false } = options;
  const passMerges = Math.ceil(Math.floor(data.size / heads / batchSize) / mergeEvery);
  const { snapshotEvery = Math.max(1, passMerges) } = options;
  if (!(epochs > 0 && Number.isFinite(epochs)))
    throw new ArgumentError(`lte: epochs must be above 0, got ${epochs}.`);
  for (const [name, value] of Object.entries({ heads, mergeEvery, batchSize, snapshotEvery })) {
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw new ArgumentError(`lte: ${name} must be a whole number from 1, got ${value}.`);
  }
  if (!(scale > 0 && Number.isFinite(scale)))
    throw new ArgumentError(`lte: scale must be above 0, got ${scale}.`);
  if (typeof options.optimizer === 'object' && 'applyGradients' in options.optimizer) {
    throw new ArgumentError(
      "lte: optimizer must be a name or { name, learningRate }, got an optimizer: every head needs one of its own. Pass for example { name: 'adam' }.",
    );
  }
  oneOf('factor', factor, ['gaussian', 'orthogonal', 'gradient']);
  oneOf('afterMerge', afterMerge, ['keep', 'redraw']);
  oneOf('others', others, ['average', 'freeze']);
  if (ranks > heads) {
    throw new ArgumentError(
      `lte: every rank needs a head, got ${ranks} ranks for ${heads}. Raise heads, or start fewer ranks.`,
    );
  }
  checkFit('lte', model, data, { loss });
  const shard = Math.floor(data.size / heads);
  if (shard < batchSize) {
    throw new ArgumentError(
      `lte: every head's shard must fill a batch of ${batchSize}, but ${data.size} examples make ${heads} shards of ${shard}. Lower heads or batchSize.`,
    );
  }
  for (const layer of flatLayers(model)) {
    if (layer.getClassName() !== 'BatchNormalization' || !layer.trainable) continue;
    throw new UnsupportedModelError(
      `lte: ${layer.name} keeps moving statistics, which heads cannot merge. Freeze it (layer.trainable = false), or normalise layers instead.`,
    );
  }
  const total = Math.max(1, Math.round(epochs * Math.floor(shard / batchSize)));
  return {
    heads,
    rank,
    T: mergeEvery,
    scale,
    batchSize,
    total,
    snapshotEvery,
    loss,
    factor,
    afterMerge,
    trainA,
    others,
    quantise,
  };
}

function oneOf(name: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw new ArgumentError(`lte: ${name} must be one of ${allowed.join(', ')}, got ${value}.`);
}
