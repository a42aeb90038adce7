/** Mean and second moment of what layers read, over examples and positions: what a rank costs at their outputs. */
import {
  conv1d,
  conv2d,
  dispose,
  eye,
  keep,
  matMul,
  reshape,
  sum,
  tidy,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { takeExamples, throwIfAborted, type Split } from '@ockham/core';
import { matrix, type Matrix } from '@ockham/core/linalg';
import { batchRange, type Layer } from '@ockham/core/training';
import { matrixShape } from './split-layer.ts';

/** Moments of a layer's inputs; for a convolution those of its windows, in the order of its kernel. */
export interface InputMoments {
  /** `[m]` */
  readonly mean: Float64Array;
  /** E[x xᵀ], `[m, m]` */
  readonly second: Matrix;
}

/** Examples at a time: a convolution's windows take k·k times the memory of its input. */
const BATCH = 32;

/**
 * Runs `examples` of the data through a model and gathers the moments of the inputs of some of its layers, all calls
 * of a shared layer together.
 */
export async function inputMoments(
  model: LayersModel,
  layers: readonly Layer[],
  data: Split,
  examples: number,
  signal?: AbortSignal,
): Promise<Map<Layer, InputMoments>> {
  const sums = new Map(
    layers.map((layer) => {
      const [m] = matrixShape(layer);
      return [layer, { rows: 0, mean: new Float64Array(m), second: matrix(m, m) }];
    }),
  );
  const split = takeExamples(data, examples);
  for (let from = 0; from < split.size; from += BATCH) {
    throwIfAborted(signal, 'compressLowRank');
    const parts: { layer: Layer; rows: number; values: Tensor }[] = [];
    const release = layers.map((layer) =>
      watch(layer, (x) => {
        const rows = inputRows(layer, x); // [rows, m]
        // kept: the layer tidies up behind its own call
        parts.push({ layer, rows: rows.shape[0], values: keep(matMul(rows, rows, true)) });
        parts.push({ layer, rows: 0, values: keep(sum(rows, 0)) });
      }),
    );
    try {
      tidy(() => {
        const { x } = batchRange(split, from, Math.min(from + BATCH, split.size));
        model.apply(x, { training: false });
      });
      for (const { layer, rows, values: tensor } of parts) {
        const entry = sums.get(layer)!;
        const values = await tensor.data();
        const into = rows === 0 ? entry.mean : entry.second.values;
        entry.rows += rows;
        for (let j = 0; j < into.length; j++) into[j]! += values[j]!;
      }
    } finally {
      dispose(parts.map(({ values }) => values));
      for (const stop of release) stop();
    }
  }
  for (const { rows, mean, second } of sums.values()) {
    for (const values of [mean, second.values]) for (let i = 0; i < values.length; i++) values[i]! /= rows;
  }
  return sums;
}

/** Shows the input of each call of a layer; convolutions of TensorFlow.js 4.22 do not call their call hook. */
function watch(layer: Layer, see: (x: Tensor) => void): () => void {
  const own = Object.getOwnPropertyDescriptor(layer, 'call');
  const call = layer.call.bind(layer);
  layer.call = (inputs, kwargs) => {
    see([inputs].flat()[0] as Tensor);
    return call(inputs, kwargs);
  };
  return () => {
    if (own) Object.defineProperty(layer, 'call', own);
    else delete (layer as Partial<Layer>).call;
  };
}

/** What the kernel is applied to, one row for each position: a convolution with the identity gives its windows. */
function inputRows(layer: Layer, x: Tensor): Tensor2D {
  const [m] = matrixShape(layer);
  if (layer.getClassName() === 'Dense') return reshape(x, [-1, m]);
  const shape = layer.weights[0]!.shape as number[];
  const settings = layer as unknown as {
    strides: number[];
    padding: 'same' | 'valid';
    dilationRate: number | number[];
  };
  const { strides, padding } = settings;
  const dilations = [settings.dilationRate].flat();
  const identity = reshape(eye(m), [...shape.slice(0, -1), m]);
  const windows =
    layer.getClassName() === 'Conv1D'
      ? conv1d(x as Tensor3D, identity as Tensor3D, strides[0]!, padding, 'NWC', dilations[0])
      : conv2d(x as Tensor4D, identity as Tensor4D, [strides[0]!, strides[1]!], padding, 'NHWC', [
          dilations[0]!,
          dilations[1] ?? dilations[0]!,
        ]);
  return reshape(windows, [-1, m]);
}
