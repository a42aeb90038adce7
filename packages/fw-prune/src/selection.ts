import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, NothingChangedError, UnsupportedModelError } from '@ockham/core';
import type { Random } from '@ockham/core/random';
import { trainableVariables } from '@ockham/core/training';
import { scoresOf } from './criteria.ts';
import { countOnes } from './masks.ts';
import { checkExclude, isExcluded, prunableWeights, type PrunableWeight } from './prunable.ts';
import { pruningIterations, sparsityAt } from './schedule.ts';
import { chooseKept, floorOf } from './scope.ts';
import type { KernelGradient } from './gradient.ts';
import type { Settings } from './settings.ts';

/** The kernels of a model and which of them take part in a pruning. */
export interface Selection {
  /** All kernels, as in {@link Masks}. */
  readonly weights: readonly PrunableWeight[];
  /** For each kernel why it is left alone, or `undefined` if it takes part. */
  readonly leftAlone: readonly ('excluded' | 'frozen' | undefined)[];
  /** Indexes into `weights` of those that take part. */
  readonly taking: readonly number[];
  /** Weights in those. */
  readonly size: number;
}

/**
 * @throws UnsupportedModelError if the model has no kernel, ArgumentError if all are excluded or frozen, or an
 *   excluded name is no layer's.
 */
export function selectionOf(model: LayersModel, exclude: Settings['exclude']): Selection {
  const weights = prunableWeights(model);
  if (weights.length === 0) {
    throw new UnsupportedModelError(
      'prune: the model has no prunable layer: none of its layers has a kernel or an embedding table. Pass a model with dense, convolutional, recurrent or embedding layers.',
    );
  }
  checkExclude('prune', model, exclude);
  const learning = new Set(trainableVariables(model));
  const leftAlone = weights.map(({ layer, variable }) =>
    isExcluded(layer, exclude) ? 'excluded' : learning.has(variable) ? undefined : 'frozen',
  );
  const taking = [...weights.keys()].filter((i) => leftAlone[i] === undefined);
  if (taking.length === 0) {
    const list = weights.map(({ layer }, i) => `${layer.name} (${leftAlone[i]})`).join(', ');
    throw new ArgumentError(
      `prune: no layer is left to prune: ${list}. Exclude fewer, or set \`trainable = true\`.`,
    );
  }
  return { weights, leftAlone, taking, size: taking.reduce((sum, i) => sum + weights[i]!.size, 0) };
}

/** How many of `size` weights a sparsity removes; the paper's n_p = round(p · n). */
export function removedAt(sparsity: number, size: number): number {
  return Math.round(sparsity * size);
}

/** The masks before any pruning: existing zeros count as pruned unless they may grow back. A byte per weight. */
export async function startingBits({ weights }: Selection, settings: Settings): Promise<Uint8Array[]> {
  if (settings.mask === 'release') return weights.map(({ size }) => new Uint8Array(size).fill(1));
  const bits: Uint8Array[] = [];
  for (const { variable } of weights) {
    bits.push(Uint8Array.from(await variable.data<'float32'>(), (w) => (w === 0 ? 0 : 1)));
  }
  return bits;
}

/**
 * Refuses what cannot be done before work starts.
 *
 * @throws NothingChangedError if no weight would be removed.
 * @throws ArgumentError if the floors of the layers leave more than the sparsity allows.
 */
export function checkReachable(selection: Selection, bits: readonly Uint8Array[], settings: Settings): void {
  const { weights, taking, size } = selection;
  const sparsities = pruningIterations(settings).map((i) => sparsityAt(i, settings)!);
  const last = Math.max(...sparsities);
  const removed = removedAt(last, size);
  if (removed === 0) {
    throw new NothingChangedError(
      `prune: sparsity ${last} of ${size} weights rounds to 0 removed weights. Ask for at least ${1 / size}.`,
    );
  }
  const gone = size - taking.reduce((sum, i) => sum + countOnes(bits[i]!), 0);
  if (settings.mask === 'hold' && !settings.regrow && gone >= removed) {
    throw new NothingChangedError(
      `prune: ${gone} of the ${size} weights are 0 already, sparsity ${last} asks for ${removed}. Ask for more than ${(gone / size).toFixed(4)}.`,
    );
  }
  const floors = taking.map((i) => floorOf(weights[i]!.size, settings.floor));
  const least = floors.reduce((sum, floor) => sum + floor, 0);
  if (least > size - removed) {
    throw new ArgumentError(
      `prune: sparsity ${last} leaves ${size - removed} of ${size} weights, but the floor ${settings.floor} keeps ${least} in ${taking.length} layers. Lower the sparsity or the floor (0 allows empty layers).`,
    );
  }
}

/**
 * The masks that a pruning to `sparsity` leaves, for all kernels.
 *
 * @param gradient G for the kernels that take part, in that order; empty if none was computed.
 * @param former The masks so far.
 * @param random A stream of this pruning.
 */
export async function chooseMasks(
  selection: Selection,
  settings: Settings,
  sparsity: number,
  gradient: readonly KernelGradient[],
  former: readonly Uint8Array[],
  random: Random,
): Promise<Uint8Array[]> {
  const { weights, taking, size } = selection;
  const kernels = [];
  for (const [position, i] of taking.entries()) {
    const { name, shape, variable } = weights[i]!;
    const values = await variable.data<'float32'>();
    const { mean, square } = gradient[position] ?? none(values.length);
    kernels.push({
      name,
      shape,
      weights: values,
      gradient: mean,
      squaredGradient: square,
      random: random.stream(i),
    });
  }
  const scores = scoresOf(settings.criterion, kernels, settings.curvature);
  const free = settings.mask === 'release' || settings.regrow;
  const candidates = taking.map((i, position) => ({
    scores: scores[position]!,
    allowed: free ? new Uint8Array(weights[i]!.size).fill(1) : former[i]!,
  }));
  const left = candidates.reduce((sum, { allowed }) => sum + countOnes(allowed), 0);
  const kept = Math.min(left, size - removedAt(sparsity, size));
  const floors = taking.map((i) => floorOf(weights[i]!.size, settings.floor));
  const chosen = chooseKept(candidates, kept, settings.scope, floors);
  return weights.map((_, i) => chosen[taking.indexOf(i)] ?? former[i]!);
}

function none(size: number): KernelGradient {
  return { mean: new Float32Array(size), square: new Float32Array(size) };
}
