/**
 * Which layers can be written as two thinner ones, and those two: dense m → n becomes m → r → n, a convolution of k×k
 * becomes k×k onto r filters and 1×1 onto the old number.
 *
 * A layer's kernel is read as the matrix W `[m, n]`: n outputs, m = inputs per output (k·k·channels for a
 * convolution, in the kernel's own order), so that W ≈ U Vᵀ.
 */
import type { serialization } from '@tensorflow/tfjs-core';
import type { NewLayer, WeightValues } from '@ockham/core/graph';
import { matrix, type Matrix } from '@ockham/core/linalg';
import type { Layer } from '@ockham/core/training';

/** W ≈ U Vᵀ. */
export interface Factors {
  /** `[m, r]` */
  readonly u: Matrix;
  /** `[n, r]` */
  readonly v: Matrix;
  /** `[n]`, in the place of the layer's own bias. Default that. */
  readonly bias?: Float32Array;
}

/** Kernel sizes of 1 for the second layer of each kind. */
const POINTWISE: Readonly<Record<string, readonly number[] | undefined>> = {
  Dense: undefined,
  Conv1D: [1],
  Conv2D: [1, 1],
};

/** Why a layer cannot be written as two, or undefined where it can. */
export function refusalOf(layer: Layer): string | undefined {
  const kind = layer.getClassName();
  if (!Object.hasOwn(POINTWISE, kind))
    return `a ${kind} is neither dense nor a convolution in one or two dimensions`;
  if (layer.weights.length === 0) return 'it has no weights yet';
  if (layer.getConfig()['kernelConstraint'] != null)
    return 'its kernel has a constraint, which two factors cannot hold';
  return undefined;
}

/** The kernel as W `[m, n]`, read from the engine. */
export async function kernelMatrix(layer: Layer): Promise<Matrix> {
  const kernel = layer.weights[0]!;
  const [m, n] = matrixShape(layer);
  return matrix(m, n, await kernel.read().data());
}

/** `[m, n]` of a layer that can be split. */
export function matrixShape(layer: Layer): readonly [m: number, n: number] {
  const shape = layer.weights[0]!.shape as number[];
  const n = shape.at(-1)!;
  return [shape.slice(0, -1).reduce((a, b) => a * b, 1), n];
}

/**
 * How the two layers that stand for one are named: its path with `/u` and `/v`, or the first of `/u2`, `/u3`, … that no
 * layer of the model has.
 *
 * @param paths Of all layers of the model.
 */
export function factorNames(paths: readonly string[]): (path: string) => [u: string, v: string] {
  const taken = new Set(paths);
  const free = (made: string): string => {
    let name = made;
    for (let i = 2; taken.has(name); i++) name = `${made}${i}`;
    return name;
  };
  return (path) => [free(`${path}/u`), free(`${path}/v`)];
}

/**
 * The two layers that take a layer's place: `name/u` maps onto r values without bias, with the old strides, padding and
 * dilation; `name/v` back, with the old bias and activation. Both keep the kernel's regulariser.
 */
export async function splitLayer(
  layer: Layer,
  factors: Factors,
  names: readonly [u: string, v: string],
): Promise<[NewLayer, NewLayer]> {
  const kind = layer.getClassName();
  const { name: _, batchInputShape: __, ...config } = structuredClone(layer.getConfig());
  const { u, v } = factors;
  const r = u.columns;
  const n = v.rows;
  const width = kind === 'Dense' ? 'units' : 'filters';
  const pointwise = POINTWISE[kind];
  const shape = layer.weights[0]!.shape as number[];
  const bias = layer.weights[1];
  const plain: serialization.ConfigDict = {
    activation: 'linear',
    useBias: false,
    biasRegularizer: null,
    biasConstraint: null,
    activityRegularizer: null,
  };
  const reach: serialization.ConfigDict = pointwise
    ? {
        kernelSize: [...pointwise],
        strides: pointwise.map(() => 1),
        dilationRate: pointwise.map(() => 1),
        padding: 'valid',
      }
    : {};
  return [
    {
      name: names[0],
      className: kind,
      config: { ...config, ...plain, [width]: r },
      weights: [{ shape: [...shape.slice(0, -1), r], values: Float32Array.from(u.values) }],
    },
    {
      name: names[1],
      className: kind,
      config: { ...config, ...reach },
      weights: [
        transposed(v, [...(pointwise ?? []), r, n]),
        ...(bias
          ? [{ shape: [n], values: factors.bias ?? ((await bias.read().data()) as Float32Array) }]
          : []),
      ],
    },
  ];
}

function transposed({ rows, columns, values }: Matrix, shape: readonly number[]): WeightValues {
  const made = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) made[j * rows + i] = values[i * columns + j]!;
  }
  return { shape, values: made };
}
