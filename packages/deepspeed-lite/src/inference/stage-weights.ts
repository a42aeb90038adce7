/** The part of a transformer's weights that one rank holds: some layers of it, of these some heads and units. */
import { ArgumentError } from '@ockham/core';
import { shareOf } from '@ockham/core/comm';
import type { MatrixValues } from './matrix.ts';
import { isPacked, packedInputs, packedSideBySide, type Kernel } from './packed-kernel.ts';
import { columnsOf, type DenseWeights, type LayerWeights } from './read-weights.ts';

/** Where a rank is: which of the tensor-parallel ranks, and which layers its stage has. */
export interface Place {
  /** In [0, tensorRanks). */
  readonly tensorRank: number;
  readonly tensorRanks: number;
  /** The layers [begin, end). */
  readonly begin: number;
  readonly end: number;
}

/** All of a model. */
export const wholePlace = (layers: number): Place => ({
  tensorRank: 0,
  tensorRanks: 1,
  begin: 0,
  end: layers,
});

/** @throws ArgumentError naming `who` where a rank would have no head or no unit of a layer. */
export function checkTensorRanks(who: string, layers: readonly LayerWeights[], ranks: number): void {
  const most = Math.min(...layers.flatMap(({ heads, expand }) => [heads, expand.outputs]));
  if (Number.isInteger(ranks) && ranks >= 1 && ranks <= most) return;
  throw new ArgumentError(
    `${who}: tensor must be an integer in [1, ${most}], the fewest heads or units of a layer, got ${ranks}. Use pipeline stages for more ranks.`,
  );
}

/**
 * A rank's heads and units of a layer (Shoeybi et al. 2019, section 3): columns of the products before, rows of those after, whose sum over
 * the ranks is the whole product. Biases that follow a sum stay whole.
 */
export function layerShare(layer: LayerWeights, { tensorRank, tensorRanks }: Place): LayerWeights {
  if (tensorRanks === 1) return layer;
  const [first, last] = shareOf(layer.heads, tensorRank, tensorRanks);
  const d = layer.query.outputs / layer.heads;
  const units = shareOf(layer.expand.outputs, tensorRank, tensorRanks);
  const heads = [first * d, last * d] as const;
  return {
    ...layer,
    heads: last - first,
    query: columns(layer.query, heads),
    key: columns(layer.key, heads),
    value: columns(layer.value, heads),
    attentionOutput: rows(layer.attentionOutput, heads),
    expand: columns(layer.expand, units),
    project: rows(layer.project, units),
  };
}

function columns(dense: DenseWeights, [begin, end]: readonly [number, number]): DenseWeights {
  const { outputs, kernel, bias } = dense;
  const part = columnsOf(kernel, outputs, begin, end);
  return { ...dense, outputs: end - begin, kernel: part, ...(bias && { bias: bias.slice(begin, end) }) };
}

function rows(dense: DenseWeights, [begin, end]: readonly [number, number]): DenseWeights {
  const { outputs, kernel } = dense;
  const part = isPacked(kernel)
    ? packedInputs(kernel, begin, end)
    : kernel.slice(begin * outputs, end * outputs);
  return { ...dense, inputs: end - begin, kernel: part };
}

/** Dense layers of the same input as one: their matrices side by side. Undefined where they are kept in different ways. */
export function sideBySide(parts: readonly DenseWeights[]): MatrixValues | undefined {
  const { inputs } = parts[0]!;
  const outputs = parts.reduce((sum, part) => sum + part.outputs, 0);
  const kernel = kernelsSideBySide(parts, inputs, outputs);
  if (!kernel) return undefined;
  const bias = parts.some((part) => part.bias) ? new Float32Array(outputs) : undefined;
  let column = 0;
  for (const part of parts) {
    if (part.bias) bias!.set(part.bias, column);
    column += part.outputs;
  }
  return { inputs, outputs, kernel, bias };
}

function kernelsSideBySide(
  parts: readonly DenseWeights[],
  inputs: number,
  outputs: number,
): Kernel | undefined {
  const packed = parts.flatMap(({ kernel }) => (isPacked(kernel) ? [kernel] : []));
  if (packed.length === parts.length) return packedSideBySide(packed);
  if (packed.length > 0) return undefined;
  const kernel = new Float32Array(inputs * outputs);
  let column = 0;
  for (const part of parts) {
    const values = part.kernel as Float32Array;
    for (let r = 0; r < inputs; r++)
      kernel.set(values.subarray(r * part.outputs, (r + 1) * part.outputs), r * outputs + column);
    column += part.outputs;
  }
  return kernel;
}
