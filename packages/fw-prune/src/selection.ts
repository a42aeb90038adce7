import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ArgumentError, NothingChangedError, UnsupportedModelError } from '@ockham/core';
import type { Random } from '@ockham/core/random';
import { trainableVariables } from '@ockham/core/training';
import { scoresOf } from './criteria.ts';
import { countOnes } from './masks.ts';
import { choosePattern } from './pattern-masks.ts';
import { fitsPattern, patternName, patternUnits, type PatternRule } from './pattern.ts';
import { checkExclude, isExcluded, prunableWeights, type PrunableWeight } from './prunable.ts';
import { pruningIterations, sparsityAt } from './schedule.ts';
import { chooseKept, floorOf } from './scope.ts';
import type { KernelGradient } from './gradient.ts';
import type { Settings } from './settings.ts';

/** Why a kernel is left as it is: it is excluded or frozen, or the pattern does not fit it. */
export type LeftAlone = 'excluded' | 'frozen' | 'pattern';

/** The kernels of a model and which of them take part in a pruning. */
export interface Selection {
  /** All kernels, as in {@link Masks}. */
  readonly weights: readonly PrunableWeight[];
  /** For each kernel why it is left alone, or `undefined` if it takes part. */
  readonly leftAlone: readonly (LeftAlone | undefined)[];
  /** Indexes into `weights` of those that take part. */
  readonly taking: readonly number[];
  /** Weights in those. */
  readonly size: number;
}

/**
 * @throws UnsupportedModelError if the model has no kernel, ArgumentError if all are excluded or frozen, or an
 *   excluded name is no layer's.
 */
export function selectionOf(
  model: LayersModel,
  exclude: Settings['exclude'],
  pattern?: PatternRule,
): Selection {
  const weights = prunableWeights(model);
  if (weights.length === 0) {
    throw new UnsupportedModelError(
      'prune: the model has no prunable layer: none of its layers has a kernel or an embedding table. Pass a model with dense, convolutional, recurrent or embedding layers.',
    );
  }
  checkExclude('prune', model, exclude);
  const learning = new Set(trainableVariables(model));
  const leftAlone = weights.map((weight): LeftAlone | undefined => {
    if (isExcluded(weight.layer, exclude)) return 'excluded';
    if (!learning.has(weight.variable)) return 'frozen';
    return pattern && !fitsPattern(weight, pattern) ? 'pattern' : undefined;
  });
  const taking = [...weights.keys()].filter((i) => leftAlone[i] === undefined);
  if (taking.length === 0) {
    const list = weights.map(({ layer }, i) => `${layer.name} (${leftAlone[i]})`).join(', ');
    throw new ArgumentError(
      `prune: no layer is left to prune: ${list}. Exclude fewer, set \`trainable = true\`, or choose a pattern whose sizes divide the layers'.`,
    );
  }
  return { weights, leftAlone, taking, size: taking.reduce((sum, i) => sum + weights[i]!.size, 0) };
}

/**
 * How many of `size` weights a sparsity removes: the paper's n_p = round(p · n), of whole blocks where they stay or go
 * together, and all but n of m with a pattern n:m.
 */
export function removedAt(sparsity: number, size: number, pattern?: PatternRule): number {
  if (pattern?.kind === 'groups') return size - (size / pattern.m) * pattern.n;
  const unit = pattern ? pattern.inputs * pattern.outputs : 1;
  return unit * Math.round((sparsity * size) / unit);
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
  const removed = removedAt(last, size, settings.pattern);
  if (removed === 0) {
    throw new NothingChangedError(
      `prune: sparsity ${last} of ${size} weights rounds to 0 removed weights. Ask for at least ${1 / size}.`,
    );
  }
  if (settings.pattern) {
    checkPatternChanges(selection, bits, settings, size - removed);
    return;
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

/** The same for a pattern, whose units a model may fill in part. */
function checkPatternChanges(
  { weights, taking }: Selection,
  bits: readonly Uint8Array[],
  { pattern, sparsity, regrow, floor }: Settings,
  kept: number,
): void {
  if (!pattern) return;
  const units = taking.flatMap((i) =>
    Array.from(patternUnits(weights[i]!.shape, pattern), (unit) =>
      unit.reduce((sum, w) => sum + bits[i]![w]!, 0),
    ),
  );
  const perUnit = pattern.kind === 'groups' ? pattern.m : pattern.inputs * pattern.outputs;
  const changes =
    pattern.kind === 'groups'
      ? units.some((count) => count > pattern.n)
      : units.filter((count) => count > 0).length > kept / perUnit;
  if (!changes && !regrow) {
    const what = patternName(pattern) + (pattern.kind === 'groups' ? '' : ` at sparsity ${sparsity}`);
    throw new NothingChangedError(
      `prune: the weights that are not 0 have the pattern ${what} already. Choose a sparser one.`,
    );
  }
  if (pattern.kind === 'groups') return;
  const least = taking.reduce((sum, i) => sum + floorOf(weights[i]!.size / perUnit, floor), 0);
  if (least > kept / perUnit) {
    throw new ArgumentError(
      `prune: sparsity ${sparsity} leaves ${kept / perUnit} blocks, but the floor ${floor} keeps ${least} in ${taking.length} layers. Lower the sparsity or the floor (0 allows empty layers).`,
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
  const wanted = size - removedAt(sparsity, size, settings.pattern);
  const kept = Math.min(left, wanted);
  const floors = taking.map((i) => floorOf(weights[i]!.size, settings.floor));
  const { pattern, scope, floor } = settings;
  const chosen = pattern
    ? choosePattern(
        candidates.map((candidate, position) => ({ ...candidate, shape: weights[taking[position]!]!.shape })),
        pattern,
        { kept: wanted, scope, floor },
      )
    : chooseKept(candidates, kept, scope, floors);
  return weights.map((_, i) => chosen[taking.indexOf(i)] ?? former[i]!);
}

function none(size: number): KernelGradient {
  return { mean: new Float32Array(size), square: new Float32Array(size) };
}
