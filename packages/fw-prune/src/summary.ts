import type { LayersModel } from '@tensorflow/tfjs-layers';
import { countFlops, countParameters, textTable } from '@ockham/core/metrics';

/** One layer with weights. */
export interface SummaryRow {
  readonly name: string;
  readonly className: string;
  /** All values: kernels, biases, normalisation. */
  readonly parameters: number;
  readonly nonZeros: number;
  readonly kernels: number;
  readonly nonZeroKernels: number;
  /** Of one example forward; a multiply-accumulate is two. `undefined` where the cost is not known. */
  readonly flops: number | undefined;
  /** FLOPs that touch a weight that is not 0. Dense engines do them all. */
  readonly nonZeroFlops: number | undefined;
}

/** What {@link summary} returns. */
export interface Summary {
  readonly rows: readonly SummaryRow[];
  /** Sums over the rows; FLOPs of layers without weights, such as pooling, included. */
  readonly total: Omit<SummaryRow, 'name' | 'className' | 'flops' | 'nonZeroFlops'> & {
    readonly flops: number;
    readonly nonZeroFlops: number;
  };
  /** Fraction of the kernels' weights that is 0. Biases are not counted. */
  readonly sparsity: number;
  /** Layers whose FLOPs are not known and not in the total. */
  readonly unknown: readonly string[];
  /** The rows as an aligned table. */
  readonly text: string;
}

/**
 * Parameters, non-zeros and FLOPs of every layer.
 *
 * @example
 * console.log((await summary(pruned)).text);
 */
export async function summary(model: LayersModel): Promise<Summary> {
  const parameters = await countParameters(model);
  const flops = await countFlops(model);
  const rows = parameters.layers.map((layer): SummaryRow => {
    const cost = flops.layers.find(({ name, unknown }) => name === layer.name && unknown === undefined);
    const { name, className, nonZeros, kernels, nonZeroKernels } = layer;
    return {
      name,
      className,
      parameters: layer.parameters,
      nonZeros,
      kernels,
      nonZeroKernels,
      flops: cost?.flops,
      nonZeroFlops: cost?.nonZeroFlops,
    };
  });
  const { nonZeros, kernels, nonZeroKernels, sparsity } = parameters;
  const total = {
    parameters: parameters.parameters,
    nonZeros,
    kernels,
    nonZeroKernels,
    flops: flops.flops,
    nonZeroFlops: flops.nonZeroFlops,
  };
  return { rows, total, sparsity, unknown: flops.unknown, text: table(rows, total) };
}

function table(rows: readonly SummaryRow[], total: Summary['total']): string {
  const cells = [
    ['layer', 'type', 'parameters', 'non-zero', 'kernel kept', 'FLOPs', 'non-zero FLOPs'],
    ...[...rows, { name: 'all', className: '', ...total }].map((row) => [
      row.name,
      row.className,
      count(row.parameters),
      count(row.nonZeros),
      row.kernels === 0 ? '' : `${((100 * row.nonZeroKernels) / row.kernels).toFixed(2)} %`,
      count(row.flops),
      count(row.nonZeroFlops),
    ]),
  ];
  return textTable(cells, 2);
}

function count(value: number | undefined): string {
  return value === undefined ? 'unknown' : value.toLocaleString('en-US');
}
