/**
 * Stochastic rounding: a weight goes to one of the two levels beside it, and to the nearer one so much more often that its
 * mean stays what it was.
 * Gupta, Agrawal, Gopalakrishnan and Narayanan 2015, "Deep learning with limited numerical precision", section 3.
 *
 * Deviations: the levels of a kernel lie evenly between its least and its largest weight, the paper's are those of a fixed point.
 */
import { ArgumentError, NonFiniteError, NothingChangedError, throwIfAborted } from '@ockham/core';
import { checkModel, cloneModel } from '@ockham/core/models';
import { toRandom, type Random, type Seed } from '@ockham/core/random';
import { dispose, tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** Options of {@link __fn__}. Only `bits` is required. */
export interface __Fn__Options {
  /** A kernel gets `2 ** bits` levels; an integer in [1, 16]. */
  readonly bits: number;
  /** Seeds the rounding, each kernel by its place. Default 0. */
  readonly seed?: Seed;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** What {@link __fn__} returns. */
export interface __Fn__Result {
  /** A copy with rounded kernels, not compiled. The caller disposes of it. */
  readonly model: LayersModel;
  /** ‖Ŵ − W‖ / ‖W‖ over all kernels, ≥ 0. */
  readonly error: number;
}

/**
 * Rounds every kernel of a model to `2 ** bits` levels. Biases and other vectors stay as they are.
 *
 * @param model Not changed.
 * @throws ArgumentError for bits out of range, and a model that is empty or was disposed.
 * @throws NonFiniteError for a weight that is NaN or infinite.
 * @throws NothingChangedError for a model without kernels.
 *
 * @example
 * const { model: rounded, error } = await __fn__(model, { bits: 4, seed: 7 });
 */
export async function __fn__(model: LayersModel, options: __Fn__Options): Promise<__Fn__Result> {
  const { bits, seed = 0, signal } = options;
  checkModel('__fn__', model);
  if (!(Number.isInteger(bits) && bits >= 1 && bits <= 16)) {
    throw new ArgumentError(`__fn__: bits must be an integer in [1, 16], got ${bits}. Pass for example 4.`);
  }
  if (model.getWeights().every((weight) => weight.rank < 2)) {
    throw new NothingChangedError('__fn__: the model has no kernel to round. Give it a dense layer or a convolution.');
  }
  const random = toRandom(seed);
  const copy = await cloneModel(model);
  try {
    const rounded = copy.getWeights(); // the variables' own tensors: not ours to dispose of
    let [lost, whole] = [0, 0];
    for (const [i, weight] of rounded.entries()) {
      if (weight.rank < 2) continue;
      const values = await weight.data<'float32'>();
      throwIfAborted(signal, '__fn__');
      const levels = round(values, 2 ** bits, random.stream(i));
      for (const [j, value] of values.entries()) {
        lost += (levels[j]! - value) ** 2;
        whole += value ** 2;
      }
      rounded[i] = tensor(levels, weight.shape);
    }
    copy.setWeights(rounded);
    dispose(rounded.filter((weight) => weight.rank >= 2));
    return { model: copy, error: whole === 0 ? 0 : Math.sqrt(lost / whole) };
  } catch (error) {
    copy.dispose();
    throw error;
  }
}

/** Each value to one of `count` levels between the least and the largest. */
function round(values: Float32Array, count: number, random: Random): Float32Array {
  let [low, high] = [Infinity, -Infinity];
  for (const [i, value] of values.entries()) {
    if (!Number.isFinite(value)) {
      throw new NonFiniteError(`__fn__: weights must be finite, got ${value} at index ${i}. Train with a smaller step.`);
    }
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const step = (high - low) / (count - 1);
  if (step === 0) return values.slice();
  return values.map((value) => {
    const place = Math.min((value - low) / step, count - 1);
    return low + step * Math.min(count - 1, Math.floor(place + random.uniform()));
  });
}
