/**
 * Curriculum learning: training begins with the easiest examples, and the part of the data that may be drawn grows to all of it.
 *
 * Source: Bengio et al. 2009; pacing by Platanios et al. 2019, Competence-based curriculum learning, equations 6 and 7, and by Li et al.
 * 2022, DeepSpeed Data Efficiency, section 3.1.
 *
 * Deviations: difficulties are ranks in the data (percentiles), so that every measure of difficulty can be paced alike.
 */
import { ArgumentError, valuesPerExample, type Split } from '@ockham/core';
import { toRandom, type Random, type Seed } from '@ockham/core/random';
import { batchOf, lossFunction, type Loss } from '@ockham/core/training';
import { dispose, tidy, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** The part of the data, (0, 1], easiest first, that may be drawn at a step from 0. */
export type Pacing = (step: number) => number;

/** Options of {@link pacing}. */
export type PacingOptions =
  | {
      /** `linear`: c₀ + (1 − c₀)·t/T. `root`: (c₀ᵖ + (1 − c₀ᵖ)·t/T)^(1/p), which takes new examples in ever slower. */
      readonly kind: 'linear' | 'root';
      /** c₀ in (0, 1]. Default 0.1. */
      readonly start?: number;
      /** T ≥ 1: the step from which all data may be drawn. */
      readonly steps: number;
      /** p ≥ 1 of `root`. Default 2. */
      readonly root?: number;
    }
  | {
      readonly kind: 'step';
      /** Parts and the steps from which they hold, both ascending, the first from step 0. */
      readonly stages: readonly { readonly from: number; readonly part: number }[];
    };

/**
 * How fast a curriculum opens.
 *
 * @throws ArgumentError for options out of range.
 */
export function pacing(options: PacingOptions): Pacing {
  if (options.kind === 'step') {
    const { stages } = options;
    const ascending = stages.every(
      ({ from, part }, i) =>
        part > 0 &&
        part <= 1 &&
        (i === 0 ? from === 0 : from > stages[i - 1]!.from && part >= stages[i - 1]!.part),
    );
    if (stages.length === 0 || !ascending)
      throw new ArgumentError(
        `pacing: stages must begin at step 0 and ascend to parts in (0, 1], got ${JSON.stringify(stages)}.`,
      );
    return (step) => stages.findLast(({ from }) => step >= from)!.part;
  }
  const { kind, start = 0.1, steps, root = 2 } = options;
  if (!(start > 0 && start <= 1)) throw new ArgumentError(`pacing: start must be in (0, 1], got ${start}.`);
  if (!(steps >= 1)) throw new ArgumentError(`pacing: steps must be ≥ 1, got ${steps}.`);
  if (!(root >= 1)) throw new ArgumentError(`pacing: root must be ≥ 1, got ${root}.`);
  if (kind !== 'linear' && kind !== 'root')
    throw new ArgumentError(`pacing: kind must be linear, root or step, got ${String(kind)}.`);
  const p = kind === 'linear' ? 1 : root;
  return (step) => Math.min(1, (start ** p + (1 - start ** p) * Math.min(1, step / steps)) ** (1 / p));
}

/**
 * Difficulty by length: the tokens of each example that are not padding. Of `[length, 2]` inputs (ids and types) the ids count.
 *
 * @param padding The id of padding. Default 0.
 */
export function lengthDifficulty(split: Split, padding = 0): Float64Array {
  const width = valuesPerExample(split.x);
  const columns = split.x.shape.length > 1 ? split.x.shape.at(-1)! : 1;
  return Float64Array.from({ length: split.size }, (_, row) => {
    let length = 0;
    for (let i = 0; i < width; i += columns) if (split.x.values[row * width + i] !== padding) length++;
    return length;
  });
}

/**
 * Difficulty by loss: that of a model, trained a little or elsewhere, on each example. The model is not changed.
 *
 * @param model Takes what `split.x` holds.
 * @param split The examples.
 * @param options How the loss is taken.
 * @param options.loss Default `crossEntropy`.
 */
export async function lossDifficulty(
  model: LayersModel,
  split: Split,
  { loss = 'crossEntropy' }: { readonly loss?: Loss } = {},
): Promise<Float64Array> {
  const lossOf = lossFunction(loss);
  const losses = new Float64Array(split.size);
  for (let row = 0; row < split.size; row++) {
    const value = tidy(() => {
      const { x, y } = batchOf(split, [row]);
      return lossOf(y, model.apply(x, { training: false }) as Tensor);
    });
    losses[row] = (await value.data())[0]!;
    dispose(value);
  }
  return losses;
}

/** Options of {@link curriculum}. */
export interface CurriculumOptions {
  /** Examples of a batch, ≥ 1. */
  readonly batchSize: number;
  /** How much of the data, from the easiest on, a step draws from. */
  readonly pacing: Pacing;
  /** Of the order of examples. Default 0. */
  readonly seed?: Seed;
}

/** Batches of a curriculum. All is a function of the seed and the step: a run goes on from any step without a state. */
export interface Curriculum {
  /** Examples that may be drawn at a step, ≥ 1. */
  available(step: number): number;
  /** Indexes `[batchSize]` of the examples of a step, from 0. */
  batch(step: number): Int32Array;
  /** Examples, easiest first; ties in the order of the data. */
  readonly order: Int32Array;
}

/**
 * A sampler over any examples. While the curriculum opens, a step draws different examples from those available; once all are, the
 * batches go through permutations of the data, epoch by epoch, without the rest that fills no batch.
 *
 * @param difficulty One value for each example: {@link lengthDifficulty}, {@link lossDifficulty} or your own.
 * @throws ArgumentError for difficulties that are not finite and a batch size out of range.
 *
 * @example
 * const easyFirst = curriculum(lengthDifficulty(data), { batchSize: 32, pacing: pacing({ kind: 'root', steps: 1000 }), seed: 7 });
 * for (let step = 0; step < 3000; step++) await engine.trainBatch(batchOf(data, easyFirst.batch(step)));
 */
export function curriculum(difficulty: ArrayLike<number>, options: CurriculumOptions): Curriculum {
  const { batchSize, pacing: part, seed = 0 } = options;
  const size = difficulty.length;
  if (!(Number.isInteger(batchSize) && batchSize >= 1 && batchSize <= size))
    throw new ArgumentError(
      `curriculum: batchSize must be an integer in [1, ${size}], the examples, got ${batchSize}.`,
    );
  const bad = Array.from(difficulty).findIndex((d) => !Number.isFinite(d));
  if (bad >= 0)
    throw new ArgumentError(
      `curriculum: difficulties must be finite, got ${difficulty[bad]} for example ${bad}. Leave such examples out.`,
    );
  const random = toRandom(seed).stream('curriculum');
  const order = Int32Array.from({ length: size }, (_, i) => i).sort(
    (a, b) => difficulty[a]! - difficulty[b]! || a - b,
  );
  const available = (step: number): number =>
    Math.max(batchSize, Math.min(size, Math.ceil(part(step) * size)));
  const opensAt = firstStep((step) => available(step) === size);
  const perEpoch = Math.floor(size / batchSize);
  let epochOrder: { readonly epoch: number; readonly order: Int32Array } | undefined;
  return {
    order,
    available,
    batch(step) {
      if (step < opensAt)
        return drawDifferent(random.stream(step), available(step), batchSize).map((i) => order[i]!);
      const epoch = Math.floor((step - opensAt) / perEpoch);
      if (epochOrder?.epoch !== epoch)
        epochOrder = { epoch, order: random.stream('epoch').stream(epoch).permutation(size) };
      const at = ((step - opensAt) % perEpoch) * batchSize;
      return epochOrder.order.slice(at, at + batchSize);
    },
  };
}

/** The first step at which something holds that then holds for ever, ∞ if it never does. */
function firstStep(holds: (step: number) => boolean): number {
  let high = 1;
  while (!holds(high)) if ((high *= 2) > 2 ** 40) return Infinity;
  let low = -1;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** k different numbers of 0 … n − 1 (Floyd), without a permutation of all. */
function drawDifferent(random: Random, n: number, k: number): Int32Array {
  const drawn = new Set<number>();
  for (let j = n - k; j < n; j++) {
    const t = random.integer(j + 1);
    drawn.add(drawn.has(t) ? j : t);
  }
  return Int32Array.from(drawn);
}
