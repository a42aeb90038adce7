/**
 * The linear maps that LoRA adapts. Of each: how it is applied, and how its kernel reads as a matrix.
 *
 * The low-rank path is the same map with A for its kernel, so with r outputs, and then B on the last axis: for a
 * convolution a thin one of the same window followed by a 1×1.
 */
import {
  add,
  cast,
  conv1d,
  conv2d,
  fused,
  gather,
  matMul,
  reshape,
  type Tensor,
} from '@tensorflow/tfjs-core';
import type { Rank, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import type { serialization } from '@tensorflow/tfjs-core';

type StockLayer = layers.Layer;

/** How the layers of one class are adapted. */
export interface LinearKind {
  /** A stock layer of this class, without weights: it answers for shapes and masks. */
  readonly stock: (config: serialization.ConfigDict) => StockLayer;
  /** The kernel's name among the layer's weights. */
  readonly kernel: 'kernel' | 'embeddings';
  /** The kernel's shape, `[…, in, out]`. */
  readonly kernelShape: (config: serialization.ConfigDict, input: readonly (number | null)[]) => number[];
  /** The map without bias and activation; `kernel` may have any number of outputs. */
  readonly apply: (x: Tensor, kernel: Tensor, config: serialization.ConfigDict) => Tensor;
  /** The map and the bias by the stock layer's own operations, for the same bits; no good for gradients. */
  readonly asStock: (
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | undefined,
    config: serialization.ConfigDict,
  ) => Tensor;
  /** Whether the input is real numbers, of which some may be dropped, and not indexes. */
  readonly real: boolean;
}

/** The classes that can be adapted. */
export const linearKinds: ReadonlyMap<string, LinearKind> = new Map<string, LinearKind>([
  [
    'Dense',
    {
      stock: (config) => layers.dense(config as unknown as Parameters<typeof layers.dense>[0]),
      kernel: 'kernel',
      kernelShape: ({ units }, input) => [input.at(-1)!, units as number],
      apply: onLastAxis,
      asStock: (x, matrix, bias, { activation }) => {
        const product = (given: Tensor | undefined) =>
          onRows(x, matrix, (a, b) => fused.matMul({ a, b: b, ...(given ? { bias: given } : {}) }));
        // TensorFlow.js fuses the bias only where it can fuse the activation, and rounds otherwise where it cannot
        if (!bias || /^(linear|relu|elu)$/.test(activation as string)) return product(bias);
        return add(product(undefined), bias);
      },
      real: true,
    },
  ],
  [
    'Conv1D',
    {
      stock: (config) => layers.conv1d(config as unknown as Parameters<typeof layers.conv1d>[0]),
      kernel: 'kernel',
      kernelShape: convolutionShape,
      apply: (x, kernel, { strides, padding, dilationRate }) =>
        conv1d(
          x as Tensor3D,
          kernel as Tensor3D,
          first(strides),
          padding as 'same' | 'valid',
          'NWC',
          first(dilationRate),
        ),
      asStock(x, kernel, bias, config) {
        const z = this.apply(x, kernel, config);
        return bias ? add(z, bias) : z;
      },
      real: true,
    },
  ],
  [
    'Conv2D',
    {
      stock: (config) => layers.conv2d(config as unknown as Parameters<typeof layers.conv2d>[0]),
      kernel: 'kernel',
      kernelShape: convolutionShape,
      apply: (x, kernel, { strides, padding, dilationRate }) =>
        conv2d(
          x as Tensor4D,
          kernel as Tensor4D,
          strides as [number, number],
          padding as 'same' | 'valid',
          'NHWC',
          dilationRate as [number, number],
        ),
      asStock: (x, filter, bias, { strides, padding, dilationRate }) =>
        fused.conv2d({
          x: x as Tensor4D,
          filter: filter as Tensor4D,
          strides: strides as [number, number],
          pad: padding as 'same' | 'valid',
          dilations: dilationRate as [number, number],
          ...(bias ? { bias } : {}),
        }),
      real: true,
    },
  ],
  [
    'Embedding',
    {
      stock: (config) => layers.embedding(config as unknown as Parameters<typeof layers.embedding>[0]),
      kernel: 'embeddings',
      kernelShape: ({ inputDim, outputDim }) => [inputDim as number, outputDim as number],
      apply: (x, table) => {
        const rows = gather(table, reshape(cast(x, 'int32'), [x.size]));
        return reshape(rows, [...x.shape, table.shape.at(-1)!]);
      },
      asStock(x, table, _, config) {
        return this.apply(x, table, config);
      },
      real: false,
    },
  ],
]);

/** x `[…, in]` times `matrix` `[in, out]`. */
export function onLastAxis(x: Tensor, matrix: Tensor): Tensor {
  return onRows(x, matrix, (rows, b) => matMul(rows, b as Tensor2D));
}

function onRows(x: Tensor, matrix: Tensor, product: (rows: Tensor2D, matrix: Tensor) => Tensor): Tensor {
  if (x.rank === 2) return product(x as Tensor2D, matrix);
  const rows = reshape<Rank.R2>(x, [-1, x.shape.at(-1)!]);
  return reshape(product(rows, matrix), [...x.shape.slice(0, -1), matrix.shape.at(-1)!]);
}

/** A kernel `[…, in, out]` as the matrix `[…·in, out]`: one column for each output. */
export function asMatrix(kernel: Tensor): Tensor2D {
  return reshape<Rank.R2>(kernel, [-1, kernel.shape.at(-1)!]);
}

function convolutionShape(
  { kernelSize, filters }: serialization.ConfigDict,
  input: readonly (number | null)[],
): number[] {
  return [...(kernelSize as number[]), input.at(-1)!, filters as number];
}

function first(value: unknown): number {
  return Array.isArray(value) ? (value[0] as number) : ((value as number | undefined) ?? 1);
}
