import type { LayersModel } from '@tensorflow/tfjs-layers';
import { patternOf } from './pattern.ts';
import { prunableWeights } from './prunable.ts';
import { countFlops, countParameters, textTable } from '@ockham/core/metrics';

/** One layer with weights. */
export interface SummaryRow {
  /** The layer's name. */
  readonly name: string;
  /** The layer's class. */
  readonly className: string;
  /** All values: kernels, biases, normalisation. */
  readonly parameters: number;
  /** Values that are not 0. */
  readonly nonZeros: number;
  /** Values in matrices and filters. */
  readonly kernels: number;
  /** Of these, those that are not 0. */
  readonly nonZeroKernels: number;
  /** What the non-zero weights of its kernel form, `n:4` or `4x1`; absent where they form nothing. */
  readonly pattern?: string;
  /** Of one example forward; a multiply-accumulate is two. `undefined` where the cost is not known. */
  readonly flops: number | undefined;
  /** FLOPs that touch a weight that is not 0. Dense engines do them all. */
  readonly nonZeroFlops: number | undefined;
}

/** What {@link summary} returns. */
export interface Summary {
  /** One for each layer with weights. */
  readonly rows: readonly SummaryRow[];
  /** Sums over the rows; FLOPs of layers without weights, such as pooling, included. */
  readonly total: Omit<SummaryRow, 'name' | 'className' | 'pattern' | 'flops' | 'nonZeroFlops'> & {
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
  const patterns = await patternsOf(model);
  const rows = parameters.layers.map((layer): SummaryRow => {
    const cost = flops.layers.find(({ name, unknown }) => name === layer.name && unknown === undefined);
    const { name, className, nonZeros, kernels, nonZeroKernels } = layer;
    const pattern = patterns.get(name);
    return {
      name,
      className,
      parameters: layer.parameters,
      nonZeros,
      kernels,
      nonZeroKernels,
      flops: cost?.flops,
      nonZeroFlops: cost?.nonZeroFlops,
      ...(pattern !== undefined && { pattern }),
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

/** The pattern of each layer's kernel, where it has one; of several kernels the one that all have. */
async function patternsOf(model: LayersModel): Promise<Map<string, string>> {
  const found = new Map<string, (string | undefined)[]>();
  for (const { layer, shape, variable } of prunableWeights(model)) {
    const pattern = patternOf(await variable.data<'float32'>(), shape);
    found.set(layer.name, [...(found.get(layer.name) ?? []), pattern]);
  }
  const same = [...found].filter(([, all]) => all[0] !== undefined && all.every((one) => one === all[0]));
  return new Map(same.map(([name, all]) => [name, all[0]!]));
}

function table(rows: readonly SummaryRow[], total: Summary['total']): string {
  const patterned = rows.some(({ pattern }) => pattern !== undefined);
  const cells = [
    [
      ...['layer', 'type', 'parameters', 'non-zero', 'kernel kept', 'FLOPs', 'non-zero FLOPs'],
      ...(patterned ? ['pattern'] : []),
    ],
    ...[...rows, { name: 'all', className: '', ...total } as SummaryRow].map((row) => [
      row.name,
      row.className,
      count(row.parameters),
      count(row.nonZeros),
      row.kernels === 0 ? '' : `${((100 * row.nonZeroKernels) / row.kernels).toFixed(2)} %`,
      count(row.flops),
      count(row.nonZeroFlops),
      ...(patterned ? [row.pattern ?? ''] : []),
    ]),
  ];
  return textTable(cells, 2);
}

function count(value: number | undefined): string {
  return value === undefined ? 'unknown' : value.toLocaleString('en-US');
}
