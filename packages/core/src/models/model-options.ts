import { ArgumentError } from '../errors.ts';
import { toRandom, type Seed } from '../random/random.ts';

/** What every network of this room accepts. */
export interface ModelOptions {
  /** Shape of one example, without the batch. The default is the network's own and stands at the function. */
  readonly inputShape?: readonly number[];
  /** Number of classes, ≥ 2. Default 10. */
  readonly classes?: number;
  /** Seeds the initial weights, each layer by its name. Default 0. */
  readonly seed?: Seed;
  /**
   * What the model returns: class probabilities (`softmax`, for the loss `crossEntropy`) or the values before
   * the softmax (`logits`, for `crossEntropyFromLogits`). Default `softmax`.
   */
  readonly output?: 'softmax' | 'logits';
}

/** A seed for the initialiser of each layer, by layer name: adding a layer leaves the others' weights as they were. */
export type LayerSeeds = (layer: string) => number;

/** Splits `seed` into one stream per layer. */
export function layerSeeds(seed: Seed): LayerSeeds {
  const random = toRandom(seed).stream('initial-weights');
  return (layer) => random.stream(layer).seed() || 1; // TensorFlow.js takes 0 for no seed
}

/** @throws ArgumentError unless `value` is an integer ≥ `least`. */
export function checkInteger(who: string, name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least) {
    throw new ArgumentError(`${who}: ${name} must be an integer ≥ ${least}, got ${value}.`);
  }
}

/** @throws ArgumentError unless `shape` has `rank` positive integer sizes (any rank ≥ 1 where `rank` is absent). */
export function checkInputShape(who: string, shape: readonly number[], rank?: number): void {
  const rankFits = rank === undefined ? shape.length >= 1 : shape.length === rank;
  if (rankFits && shape.every((size) => Number.isInteger(size) && size > 0)) return;
  const wanted = rank === 3 ? '[height, width, channels]' : 'one size or more';
  throw new ArgumentError(
    `${who}: inputShape must be ${wanted}, positive integers without the batch; got [${shape.join(', ')}].`,
  );
}

/** @throws ArgumentError unless `rate` is in [0, 1). */
export function checkDropout(who: string, rate: number): void {
  if (!(rate >= 0 && rate < 1)) {
    throw new ArgumentError(`${who}: dropout must be in [0, 1), the fraction set to zero; got ${rate}.`);
  }
}

/** The activation of a classifier's last layer. */
export function outputActivation(
  who: string,
  output: NonNullable<ModelOptions['output']>,
): 'softmax' | 'linear' {
  if (output === 'softmax') return 'softmax';
  if (output === 'logits') return 'linear';
  throw new ArgumentError(`${who}: output must be 'softmax' or 'logits', got '${String(output)}'.`);
}

/**
 * Checks that `height` × `width` survives the valid windows of a network: each `[window, stride]` in turn
 * must still fit.
 *
 * @throws ArgumentError naming the smallest image that fits.
 */
export function checkImageSize(
  who: string,
  shape: readonly number[],
  windows: readonly (readonly [window: number, stride: number])[],
): void {
  const least = windows.reduceRight((size, [window, stride]) => (size - 1) * stride + window, 1);
  if (Math.min(shape[0]!, shape[1]!) >= least) return;
  throw new ArgumentError(`${who}: images must be at least ${least}×${least}, got ${shape[0]}×${shape[1]}.`);
}
