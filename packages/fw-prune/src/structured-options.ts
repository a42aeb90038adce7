import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, type Progress } from '@ockham/core';
import type { LayerChange, ResidualBranch } from '@ockham/core/graph';
import type { ModelComparison } from '@ockham/core/metrics';
import type { Seed } from '@ockham/core/random';
import {
  checkDistillation,
  type DistillOptions,
  type Loss,
  type OptimizerSpec,
  type SnapshotStore,
} from '@ockham/core/training';
import type { Exclude } from './prunable.ts';
import type { ReportOptions } from './report.ts';

/**
 * How much a coupled channel matters; the least important go first.
 *
 * - `magnitude`: the norm of its filters (Li et al. 2017), relative to the mean norm of its layer, averaged over
 *   the layers that make it.
 * - `taylor`: |Σ w·∂L/∂w| over all the weights that read it, averaged over mini-batches: to first order the
 *   change of the loss when the channel is masked (Molchanov et al. 2017).
 * - `lmo`: the group form of the paper's view. The linear minimisation oracle of the group k-support ball, one
 *   group per filter, at the gradient G − L·w of the loss model around the empty network, keeps the filters of
 *   largest ‖w − G/L‖; relative to the layer's mean like `magnitude`. G is the accumulated momentum.
 * - `random`: uniform; the floor every criterion must beat.
 */
export type StructuredCriterion = 'magnitude' | 'taylor' | 'lmo' | 'random';

/** How a model is trained again after each removal. The optimizer is new each time, since the weights are. */
export interface StructuredRetrainOptions {
  /** Passes over the training data after each iteration; fractions allowed, 0 for none. Default 1. */
  readonly epochs?: number;
  /** Default adam. */
  readonly optimizer?: OptimizerSpec | OptimizerSpec['name'];
  /** A constant, or the rate at step `step` of `total` over all iterations together. Default: the optimizer's own. */
  readonly learningRate?: number | ((step: number, total: number) => number);
  /** Default 128. */
  readonly batchSize?: number;
  /** Of retraining and of the gradients that criteria look at. Default `crossEntropy`. */
  readonly loss?: Loss;
  /** Learn from the given model's outputs too (Hinton et al. 2015). Default: from the targets alone. */
  readonly distill?: DistillOptions;
}

/** Options of {@link pruneStructured}. One of `flops`, `channels` and `layers` is required. */
export interface StructuredOptions {
  /** Fraction of the model's FLOPs to remove, in (0, 1): at least this much goes. Not with `channels`. */
  readonly flops?: number;
  /** Fraction of the removable coupled channels to remove, in (0, 1). Not with `flops`. */
  readonly channels?: number;
  /** Residual blocks to remove first, those that raise the loss least; may be combined with the above. Default 0. */
  readonly layers?: number;
  /** Default `taylor`. */
  readonly criterion?: StructuredCriterion;
  /** Of `magnitude`. Default `l2`. */
  readonly norm?: 'l1' | 'l2';
  /** Whether importance is divided by the FLOPs that a channel costs. Default: with a `flops` budget. */
  readonly perFlop?: boolean;
  /** `global` compares channels of all layers; `layer` takes the same fraction of each. Default `global`. */
  readonly scope?: 'global' | 'layer';
  /** Least fraction of each group of channels to keep, in [0, 1]; one channel always stays. Default 0.1. */
  readonly keepAtLeast?: number;
  /** Channels are removed until a group's number is a multiple of this; for engines that like round sizes. Default 1. */
  readonly multipleOf?: number;
  /** Layers whose channels all stay. */
  readonly exclude?: Exclude;
  /** Steps to the budget, each with retraining. Default 1. */
  readonly iterations?: number;
  /** Examples whose gradient is taken in each iteration. Default 1,024, or all if there are fewer. */
  readonly subsample?: number;
  /** m of G ← m·G + ∇ across iterations, for `lmo`, in [0, 1). Default 0.9. */
  readonly momentum?: number;
  /** L of `lmo` relative to ‖G‖/‖w‖, > 0. Default 1. */
  readonly curvature?: number;
  /** How the smaller model is trained after each iteration. */
  readonly retrain?: StructuredRetrainOptions;
  /** Seeds subsamples, the order of examples and dropout. Default 0. */
  readonly seed?: Seed;
  /** Where the run is kept while it lasts; a run that finds its checkpoint there goes on from it, to the bit. */
  readonly checkpoint?: SnapshotStore;
  /** Steps between checkpoints within an iteration. Default: ends of epochs and of iterations. */
  readonly snapshotEvery?: number;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Stops the run after a last checkpoint. */
  readonly signal?: AbortSignal;
  /** Called and awaited after each iteration. */
  readonly onIteration?: (record: StructuredRecord) => void | Promise<void>;
  /** How the models are compared at the end, or `false` for no comparison. Default: all of {@link ReportOptions}. */
  readonly report?: ReportOptions | false;
  /** Returns the {@link StructuredPlan} and changes nothing. Default false. */
  readonly dryRun?: boolean;
}

/** The size of a model. */
export interface StructuredCounts {
  /** All values of its weights. */
  readonly parameters: number;
  /** FLOPs of a forward pass of one example, without the layers in `unknownFlops`. */
  readonly flops: number;
  /** Coupled channels that can be removed. */
  readonly channels: number;
  /** Names of layers whose FLOPs are not known. */
  readonly unknownFlops: readonly string[];
}

/** One iteration. */
export interface StructuredRecord extends StructuredCounts {
  /** 1 … iterations. */
  readonly iteration: number;
  /** Group id → indexes within the groups of the model before this iteration. */
  readonly channelsRemoved: Readonly<Record<string, readonly number[]>>;
  /** Residual branches that went whole. */
  readonly blocksRemoved: readonly ResidualBranch[];
  /** Mean training loss of the last epoch of retraining; absent without retraining. */
  readonly loss?: number;
  /** On the test split after retraining, in [0, 1]; absent without one. */
  readonly accuracy?: number;
  /** Mean loss on the test split after retraining; absent without one. */
  readonly testLoss?: number;
}

/** What `pruneStructured` returns. */
export interface StructuredResult {
  /** The smaller model; the caller disposes of it. The given model is as it was. */
  readonly model: LayersModel;
  /** Every layer that differs from the given model's. */
  readonly removed: readonly LayerChange[];
  /** Sizes of the given model and of the result. */
  readonly counts: { readonly before: StructuredCounts; readonly after: StructuredCounts };
  /** Before and after, with warnings of what did not get better; absent with `report: false`. */
  readonly report?: ModelComparison;
  /** One record for each iteration. */
  readonly history: readonly StructuredRecord[];
}

/** Options with defaults, checked. */
export type StructuredSettings = Required<
  Pick<
    StructuredOptions,
    | 'criterion'
    | 'norm'
    | 'perFlop'
    | 'scope'
    | 'keepAtLeast'
    | 'multipleOf'
    | 'exclude'
    | 'iterations'
    | 'subsample'
    | 'momentum'
    | 'curvature'
    | 'layers'
  >
> & {
  readonly budget: { readonly kind: 'flops' | 'channels'; readonly fraction: number } | undefined;
  readonly retrain: StructuredRetrainOptions &
    Required<Pick<StructuredRetrainOptions, 'epochs' | 'batchSize' | 'loss'>>;
};

/** @throws ArgumentError for an option out of range. */
export function structuredSettings(options: StructuredOptions): StructuredSettings {
  const { flops, channels, layers = 0, retrain = {} } = options;
  const settings: StructuredSettings = {
    budget:
      flops !== undefined
        ? { kind: 'flops', fraction: flops }
        : channels !== undefined
          ? { kind: 'channels', fraction: channels }
          : undefined,
    layers,
    criterion: options.criterion ?? 'taylor',
    norm: options.norm ?? 'l2',
    perFlop: options.perFlop ?? flops !== undefined,
    scope: options.scope ?? 'global',
    keepAtLeast: options.keepAtLeast ?? 0.1,
    multipleOf: options.multipleOf ?? 1,
    exclude: options.exclude ?? [],
    iterations: options.iterations ?? 1,
    subsample: options.subsample ?? 1024,
    momentum: options.momentum ?? 0.9,
    curvature: options.curvature ?? 1,
    retrain: {
      ...retrain,
      epochs: retrain.epochs ?? 1,
      batchSize: retrain.batchSize ?? 128,
      loss: retrain.loss ?? 'crossEntropy',
    },
  };
  const must = (holds: boolean, rule: string, got: unknown): void => {
    if (!holds) throw new ArgumentError(`pruneStructured: ${rule}, got ${String(got)}.`);
  };
  const one = (value: unknown, of: readonly unknown[], name: string) =>
    must(of.includes(value), `${name} must be one of ${of.join(', ')}`, value);
  const whole = (value: number, least: number, name: string) =>
    must(Number.isInteger(value) && value >= least, `${name} must be an integer ≥ ${least}`, value);
  must(
    flops === undefined || channels === undefined,
    'give flops or channels, not both',
    `flops ${flops}, channels ${channels}`,
  );
  must(
    flops !== undefined || channels !== undefined || layers !== 0,
    'give a budget: flops, channels or layers',
    'none',
  );
  for (const [name, value] of [
    ['flops', flops],
    ['channels', channels],
  ] as const) {
    // prettier-ignore
    must(value === undefined || (value > 0 && value < 1), `${name} must be in (0, 1), the fraction to remove`, value);
  }
  whole(layers, 0, 'layers');
  one(settings.criterion, ['magnitude', 'taylor', 'lmo', 'random'], 'criterion');
  one(settings.norm, ['l1', 'l2'], 'norm');
  one(settings.scope, ['global', 'layer'], 'scope');
  must(
    settings.keepAtLeast >= 0 && settings.keepAtLeast <= 1,
    'keepAtLeast must be in [0, 1]',
    settings.keepAtLeast,
  );
  whole(settings.multipleOf, 1, 'multipleOf');
  whole(settings.iterations, 1, 'iterations');
  whole(settings.subsample, 1, 'subsample');
  must(settings.momentum >= 0 && settings.momentum < 1, 'momentum must be in [0, 1)', settings.momentum);
  must(settings.curvature > 0, 'curvature must be > 0', settings.curvature);
  const { epochs, batchSize, distill } = settings.retrain;
  must(epochs >= 0 && Number.isFinite(epochs), 'retrain.epochs must be a number ≥ 0', epochs);
  whole(batchSize, 1, 'retrain.batchSize');
  if (distill) checkDistillation('pruneStructured', distill, settings.retrain.loss);
  return settings;
}
