import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkModel } from '../models/check-model.ts';
import { flatLayers, type Layer } from '../training/layers.ts';
import { heldWeightsOf, type HeldWeight } from '../training/held-weights.ts';

type LayerWeight = Layer['weights'][number];

/** What a weight is, for counting. */
export type WeightKind = 'kernel' | 'bias' | 'other';

/** Counts over the weights of a layer, or of a model. */
export interface ParameterTotals {
  /** All values, those of normalisation and running statistics too. */
  readonly parameters: number;
  /** Values in matrices and filters (both factors of a factorisation): what sparsity is counted over. */
  readonly kernels: number;
  /** Values that are added after a product. */
  readonly biases: number;
  /** Scales, shifts and running statistics of normalisation, and other vectors. */
  readonly others: number;
  /** Values that training may change. */
  readonly trainable: number;
  /** Values that are not 0. */
  readonly nonZeros: number;
  /** Of {@link ParameterTotals.kernels}, those that are not 0. */
  readonly nonZeroKernels: number;
  /** Of {@link ParameterTotals.biases}, those that are not 0. */
  readonly nonZeroBiases: number;
}

/** One layer's row of {@link ParameterCounts}. */
export interface LayerParameters extends ParameterTotals {
  /** The layer's name. */
  readonly name: string;
  /** The layer's class. */
  readonly className: string;
}

/** What {@link countParameters} counts. Layers without weights are left out. */
export interface ParameterCounts extends ParameterTotals {
  /** One row for each layer with weights. */
  readonly layers: readonly LayerParameters[];
  /** 1 − nonZeroKernels / kernels, in [0, 1]; 0 for a model without kernels. */
  readonly sparsity: number;
}

/**
 * Counts the parameters and the non-zeros of every layer. A shared layer counts once; the layers of a nested
 * model stand in its place. Sparsity is over kernels only, as pruning results are reported; biases are apart.
 *
 * @throws ArgumentError when the model is empty or was disposed.
 *
 * @example
 * const { kernels, nonZeroKernels, sparsity } = await countParameters(model);
 */
export async function countParameters(model: LayersModel): Promise<ParameterCounts> {
  checkModel('countParameters', model);
  const seen = new Set<unknown>();
  const rows: LayerParameters[] = [];
  for (const layer of flatLayers(model)) {
    const weights = layer.weights.filter((weight) => !seen.has(weight.read()));
    const held = seen.has(layer) ? [] : heldWeightsOf(layer);
    if (weights.length + held.length === 0) continue;
    for (const weight of weights) seen.add(weight.read());
    seen.add(layer);
    const counts = [await countWeights(weights, model), ...held.map(countHeld)];
    rows.push({ name: layer.name, className: layer.getClassName(), ...addTotals(counts) });
  }
  const totals = addTotals(rows);
  const sparsity = totals.kernels === 0 ? 0 : 1 - totals.nonZeroKernels / totals.kernels;
  return { ...totals, sparsity, layers: rows };
}

/**
 * `bias` by name; a kernel is any other weight of two axes or more, so that embeddings, recurrent kernels and
 * factors of layers unknown here count as kernels.
 */
export function weightKind(weight: {
  readonly originalName: string;
  readonly shape: readonly unknown[];
}): WeightKind {
  const name = weight.originalName.split('/').at(-1)!;
  if (/(^|_)bias$/.test(name)) return 'bias';
  return weight.shape.length >= 2 ? 'kernel' : 'other';
}

/** Number of values that are not zero (−0 is zero, NaN is not). */
export function countNonZeros(values: ArrayLike<number>): number {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) count++;
  return count;
}

async function countWeights(weights: readonly LayerWeight[], model: LayersModel): Promise<ParameterTotals> {
  const trainable = new Set(model.trainableWeights);
  const rows = await Promise.all(
    weights.map(async (weight): Promise<ParameterTotals> => {
      const kind = weightKind(weight);
      const size = weight.read().size;
      const nonZeros = countNonZeros(await weight.read().data());
      return {
        parameters: size,
        kernels: kind === 'kernel' ? size : 0,
        biases: kind === 'bias' ? size : 0,
        others: kind === 'other' ? size : 0,
        trainable: trainable.has(weight) ? size : 0,
        nonZeros,
        nonZeroKernels: kind === 'kernel' ? nonZeros : 0,
        nonZeroBiases: kind === 'bias' ? nonZeros : 0,
      };
    }),
  );
  return addTotals(rows);
}

/** Packed matrices are kernels, and training does not change them. */
function countHeld({ size, nonZeros }: HeldWeight): ParameterTotals {
  const none = { biases: 0, others: 0, trainable: 0, nonZeroBiases: 0 };
  return { ...none, parameters: size, kernels: size, nonZeros, nonZeroKernels: nonZeros };
}

function addTotals(rows: readonly ParameterTotals[]): ParameterTotals {
  const sum = (key: keyof ParameterTotals) => rows.reduce((total, row) => total + row[key], 0);
  return {
    parameters: sum('parameters'),
    kernels: sum('kernels'),
    biases: sum('biases'),
    others: sum('others'),
    trainable: sum('trainable'),
    nonZeros: sum('nonZeros'),
    nonZeroKernels: sum('nonZeroKernels'),
    nonZeroBiases: sum('nonZeroBiases'),
  };
}
