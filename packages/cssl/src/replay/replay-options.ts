import { ArgumentError } from '@ockham/core';
import type { Seed } from '@ockham/core/random';
import type { ImageShape } from '../image.ts';
import type { Codec } from './codec.ts';
import type { CodecSpec } from './codec-spec.ts';

/**
 * Which example leaves a full buffer (*ReplayEvict*):
 * - `largest-class`: a random member of the largest class (section 2.4.1). The new example counts and may itself be the
 *   one that is not kept; among classes of the same size one is drawn, each as likely as the others.
 * - `reservoir`: the buffer is a uniform sample of all that was offered (Vitter's algorithm R).
 * - `fifo`: the oldest.
 * - `herding`: of the largest class, the member without which the mean of the kept features comes closest to the mean
 *   feature of all that was offered of the class (the criterion of iCaRL). Costs a look at every member of that class.
 */
export type EvictPolicy = 'largest-class' | 'reservoir' | 'fifo' | 'herding';

/**
 * How examples are drawn for a step (*ReplaySample*):
 * - `uniform`: each record as likely as the others, none twice (Algorithm 1).
 * - `class-balanced`: each class as likely as the others, then a random member; with replacement.
 * - `reservoir`: a class in proportion to what was offered of it, then a random member, so that a balanced buffer is
 *   replayed as the stream was; with replacement.
 * - `loss-weighted`: in proportion to the loss that {@link ReplayBuffer.feedback} last reported plus 0.01; a new record
 *   weighs as much as the average one; with replacement.
 */
export type SamplePolicy = 'uniform' | 'class-balanced' | 'reservoir' | 'loss-weighted';

/** Options of {@link ReplayBuffer}: a `capacity`, a budget of `bytes`, or both. */
export interface ReplayBufferOptions {
  /** Of every image. */
  readonly shape: ImageShape;
  /** The most examples to keep, C of the paper; an integer ≥ 1. */
  readonly capacity?: number;
  /** The most bytes to use: records, labels, index and shared tables together. */
  readonly bytes?: number;
  /** *Compress* of Algorithm 1. Default `none`. */
  readonly codec?: Codec | CodecSpec | readonly CodecSpec[];
  /** Default `largest-class`, the paper's. */
  readonly evict?: EvictPolicy;
  /** Default `uniform`, the paper's. */
  readonly sample?: SamplePolicy;
  /** Length of the features that `herding` is given with each example. */
  readonly features?: number;
  /** How many classes to expect: where they could not have an image each, the buffer is refused now and not later. */
  readonly classes?: number;
  /** Whether to decode each new record and measure its error, for {@link ReplayBuffer.distortion}. Default true. */
  readonly measure?: boolean;
  /** Draws what is evicted and what is sampled, on streams of their own. */
  readonly seed: Seed;
}

const EVICT: readonly EvictPolicy[] = ['largest-class', 'reservoir', 'fifo', 'herding'];
const SAMPLE: readonly SamplePolicy[] = ['uniform', 'class-balanced', 'reservoir', 'loss-weighted'];

/** Refuses options that cannot be, before anything is allocated. */
export function checkOptions(options: ReplayBufferOptions): void {
  const { shape, capacity, bytes, evict = 'largest-class', sample = 'uniform', features, classes } = options;
  const [height, width, channels] = shape ?? [];
  if (shape?.length !== 3 || !isCount(height) || !isCount(width) || (channels !== 1 && channels !== 3)) {
    throw new ArgumentError(
      `ReplayBuffer: shape must be [height, width, channels] with 1 or 3 channels, got [${String(shape)}].`,
    );
  }
  if (capacity === undefined && bytes === undefined) {
    throw new ArgumentError(
      'ReplayBuffer: capacity (examples) or bytes must be given, got neither. Use for example capacity: 2000.',
    );
  }
  for (const [name, value] of Object.entries({ capacity, bytes, classes })) {
    if (value === undefined || isCount(value)) continue;
    throw new ArgumentError(`ReplayBuffer: ${name} must be an integer ≥ 1, got ${String(value)}.`);
  }
  if (!EVICT.includes(evict)) {
    throw new ArgumentError(`ReplayBuffer: evict must be one of ${EVICT.join(', ')}, got ${evict}.`);
  }
  if (!SAMPLE.includes(sample)) {
    throw new ArgumentError(`ReplayBuffer: sample must be one of ${SAMPLE.join(', ')}, got ${sample}.`);
  }
  if ((evict === 'herding') !== isCount(features)) {
    throw new ArgumentError(
      `ReplayBuffer: features must be the length of the features, an integer ≥ 1, with evict: 'herding' and only there; got ${features} with '${evict}'.`,
    );
  }
}

function isCount(value: number | undefined): value is number {
  return Number.isSafeInteger(value) && value! >= 1;
}
