import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Seed } from '@ockham/core/random';
import type { OptimizerSpec, Snapshot, SnapshotStore, TrainOptions } from '@ockham/core/training';
import type { Masks } from './masks.ts';
import type { Exclude } from './prunable.ts';
import type { Scope } from './scope.ts';

/** Options of `lotteryTicket`. Only `train` is required. */
export interface LotteryTicketOptions {
  /** How often to prune; the dense network is trained before the first. Default 5. */
  readonly rounds?: number;
  /** Fraction of the remaining weights that each round removes, in (0, 1). Default 0.2, Frankle and Carbin. */
  readonly fraction?: number;
  /** What the kept weights are reset to: their `initial` values (default), those of an `early` epoch, or not at all (`none`). */
  readonly rewind?: 'initial' | 'early' | 'none';
  /** Epochs before the `early` weights are taken, > 0; fractions allowed. Default 1. */
  readonly rewindEpochs?: number;
  /** Also train each ticket from re-drawn initial weights, the paper's control. Default false. */
  readonly reinitialise?: boolean;
  /** Default `global`. */
  readonly scope?: Scope;
  /** Least fraction of each layer's weights to keep. Default 0.001 and at least one weight. */
  readonly floor?: number;
  /** Layers to leave dense. */
  readonly exclude?: Exclude;
  /** How each round trains: epochs, optimizer and so on, as `train` of `@ockham/core/training`. */
  readonly train: Omit<
    TrainOptions,
    | 'optimizer'
    | 'seed'
    | 'constraint'
    | 'signal'
    | 'progress'
    | 'checkpoint'
    | 'onSnapshot'
    | 'resumeFrom'
    | 'snapshotEvery'
  > & {
    /** Default adam. No tf optimizer: its moments would pass from one ticket to the next. */
    readonly optimizer?: OptimizerSpec | OptimizerSpec['name'];
  };
  /** Default 0. */
  readonly seed?: Seed;
  /** Where the search is kept while it lasts; one that finds its checkpoint there goes on from it, to the bit. */
  readonly checkpoint?: SnapshotStore;
  /** Steps between checkpoints within a round. Default: ends of epochs and of rounds. */
  readonly snapshotEvery?: number;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: TrainOptions['progress'];
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
  /** Called and awaited after each round. */
  readonly onRound?: (ticket: Ticket) => void | Promise<void>;
}

/** A subnetwork of one round and how well it trained. Plain data. */
export interface Ticket {
  /** 0 is the dense network. */
  readonly round: number;
  /** Fraction of the prunable weights that is gone. */
  readonly sparsity: number;
  /** Weights of all kernels that the mask leaves. */
  readonly nonZeros: number;
  /** For {@link Masks.fromSnapshot}. */
  readonly masks: Snapshot;
  /** The weights it was trained from, for `restoreWeights` of `@ockham/core/training`. */
  readonly start: Snapshot;
  /** Mean training loss of its last epoch. */
  readonly loss: number;
  /** After training, in [0, 1]; absent without a test split. */
  readonly accuracy?: number;
  /** The control: the same mask from re-drawn initial weights. */
  readonly reinitialised?: { readonly loss: number; readonly accuracy?: number };
}

/** What `lotteryTicket` returns. */
export interface LotteryTicketResult {
  /** The last round's trained network; the caller disposes of it. The given model is as it was. */
  readonly model: LayersModel;
  /** Its masks; the caller disposes of them. */
  readonly masks: Masks;
  /** Round 0, the dense network, to the last. */
  readonly tickets: readonly Ticket[];
}
