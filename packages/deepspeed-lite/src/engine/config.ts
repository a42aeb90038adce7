import { ArgumentError, UnsupportedModelError } from '@ockham/core';
import type { Communicator } from '@ockham/core/comm';
import type { Seed } from '@ockham/core/random';
import type { Loss, SnapshotStore } from '@ockham/core/training';
import { compressedOptimizerFrom, isCompressed, type CompressedOptimizerConfig } from '../optimizers/compressed-optimizer-from.ts'; // prettier-ignore
import type { CompressedOptimizer } from '../optimizers/compressed-optimizer.ts';
import type { FlatOptimizer } from '../optimizers/flat-optimizer.ts';
import { optimizerFrom, type OptimizerConfig } from '../optimizers/optimizer-from.ts';
import { meshShape, type MeshShape } from '../mesh/rank-mesh.ts';
import { parametersOf, type BlockCost } from '../mesh/stage.ts';
import { pipelineSchedule, type ScheduleName } from '../pipeline/schedule.ts';
import type { CutOptions } from '../program/cut-model.ts';
import type { ZeroStage } from '../zero/gradient-store.ts';
import { batchSizes, type BatchSizes } from './batch-sizes.ts';
import { REASONS, refusalOf } from './composition.ts';
import { lossScaling, type LossScaling, type LossScalingOptions } from './loss-scaling.ts';

/** How parameters and gradients are stored. Everything is computed in float32, the only float of TensorFlow.js. */
export type Precision = 'float32' | 'bfloat16' | 'float16';

/** How a model is trained on many ranks. */
export interface EngineConfig extends BatchSizes {
  /** By name, by name with options, or one of your own. A compressed one needs `zero: 0` and one tensor rank. Default `adam`. */
  readonly optimizer?: OptimizerConfig | CompressedOptimizerConfig;
  /** Constant, or of the update's number from 0 and their total in `fit`. Default 0.001. */
  readonly learningRate?: number | ((step: number, total: number) => number);
  /** Default `crossEntropy`. */
  readonly loss?: Loss;
  /** ZeRO: 0 every rank has all (data parallelism), 1 shares optimizer states, 2 gradients too, 3 parameters too. Default 0. */
  readonly zero?: ZeroStage;
  /** Ranks along each axis. Default 1 for `tensor` and `pipeline`; `data` follows from the others. */
  readonly mesh?: Partial<MeshShape>;
  /** How the pipeline's stages take turns. Default `1f1b`. */
  readonly schedule?: ScheduleName;
  /** Pieces of the model on each stage: 1, with `interleaved` ≥ 2, its default. */
  readonly chunks?: number;
  /** What a block costs, in any unit, seconds or parameters: stages are balanced by what it says on rank 0. Default the parameters it uses. */
  readonly blockCost?: BlockCost;
  /**
   * Keeps the inputs of blocks only and computes them again on the way back; `split` has each tensor rank keep its share of those that all
   * of them have, in a buffer that is allocated once, and gathers them when they are needed. Default false.
   */
  readonly activationCheckpointing?: boolean | 'split';
  /**
   * Values that parameters and gradients are rounded to: storage in 16 bits, emulated. The optimizer keeps float32 parameters beside its
   * states. Default `float32`.
   */
  readonly precision?: Precision;
  /** Multiplies the loss, so that small gradients survive float16. Default dynamic with `float16`, else none. */
  readonly lossScaling?: LossScalingOptions | 'dynamic' | number;
  /** Where the optimizer's states are between updates, one store for each rank: `fileStore`, `indexedDbStore`. Default: in memory. */
  readonly offload?: (rank: number) => SnapshotStore;
  /** Elements of a bucket, at least, before it is reduced. Default 2¹⁸: 1 MiB. */
  readonly bucketSize?: number;
  /** Where the model is cut. Default: wherever one tensor with a gradient crosses. */
  readonly cut?: CutOptions;
  /** Seeds the order of examples and dropout, as in core's `train`. Default 0. */
  readonly seed?: Seed;
  /** A new order of examples each epoch. Default true. */
  readonly shuffle?: boolean;
}

/** {@link EngineConfig}, checked, with its defaults. */
export interface Plan extends Required<BatchSizes> {
  readonly optimizer: FlatOptimizer | CompressedOptimizer;
  readonly learningRate: (step: number, total: number) => number;
  readonly loss: Loss;
  readonly zero: ZeroStage;
  /** On the data axis. */
  readonly ranks: number;
  readonly mesh: MeshShape;
  readonly schedule: ScheduleName;
  readonly chunks: number;
  readonly blockCost: BlockCost;
  readonly activationCheckpointing: boolean | 'split';
  readonly precision: Precision;
  readonly lossScaling: LossScaling | undefined;
  readonly bucketSize: number;
  readonly seed: Seed;
  readonly shuffle: boolean;
}

/** Checks a configuration. @throws ArgumentError and UnsupportedModelError, naming `who`. */
export function checkConfig(who: string, config: EngineConfig, { size }: Pick<Communicator, 'size'>): Plan {
  const { zero = 0, precision = 'float32', bucketSize = 2 ** 18, learningRate = 0.001 } = config;
  const mesh = meshShape(who, config.mesh ?? {}, size);
  if (![0, 1, 2, 3].includes(zero))
    throw new ArgumentError(`${who}: zero must be 0, 1, 2 or 3, got ${zero as number}.`);
  if (!['float32', 'bfloat16', 'float16'].includes(precision))
    throw new ArgumentError(
      `${who}: precision must be float32, bfloat16 or float16, got ${precision as string}.`,
    );
  if (!(Number.isInteger(bucketSize) && bucketSize >= 1))
    throw new ArgumentError(`${who}: bucketSize must be an integer ≥ 1, got ${bucketSize}.`);
  if (typeof learningRate === 'number' && !(learningRate > 0 && learningRate < Infinity))
    throw new ArgumentError(`${who}: learningRate must be a number > 0, got ${learningRate}.`);
  const { activationCheckpointing = false } = config;
  if (![true, false, 'split'].includes(activationCheckpointing))
    throw new ArgumentError(
      `${who}: activationCheckpointing must be true, false or split, got ${activationCheckpointing}.`,
    );
  const given = config.optimizer ?? 'adam';
  const optimizer = isCompressed(given) ? compressedOptimizerFrom(given) : optimizerFrom(given);
  const refusal = refusalOf({
    zero,
    tensor: mesh.tensor > 1,
    pipeline: mesh.pipeline > 1,
    compressed: communicates(optimizer),
    activationCheckpointing,
    offload: config.offload !== undefined,
    half: precision !== 'float32',
  });
  if (refusal)
    throw new UnsupportedModelError(
      `${who}: ${optimizer.name} cannot be combined with ${refusal === 'half' ? 'precision' : refusal}: ${REASONS[refusal]}.`,
    );
  const { schedule = '1f1b' } = config;
  const { chunks = schedule === 'interleaved' ? 2 : 1 } = config;
  const sizes = batchSizes(config, mesh.data);
  pipelineSchedule(schedule, { stages: mesh.pipeline, microBatches: sizes.accumulation, chunks }); // checks both
  const scaling = config.lossScaling ?? (precision === 'float16' ? 'dynamic' : undefined);
  return {
    ...sizes,
    optimizer,
    learningRate: typeof learningRate === 'number' ? () => learningRate : learningRate,
    loss: config.loss ?? 'crossEntropy',
    zero,
    ranks: mesh.data,
    mesh,
    schedule,
    chunks,
    blockCost: config.blockCost ?? parametersOf,
    activationCheckpointing,
    precision,
    lossScaling: scaling === undefined ? undefined : lossScaling(who, scaling),
    bucketSize,
    seed: config.seed ?? 0,
    shuffle: config.shuffle ?? true,
  };
}

/** Whether an optimizer communicates itself. */
export function communicates(
  optimizer: FlatOptimizer | CompressedOptimizer,
): optimizer is CompressedOptimizer {
  return isCompressed(optimizer);
}
