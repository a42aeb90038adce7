/** Mean and second moment of what layers read, over examples and positions: what a rank costs at their outputs. */
import {
  concat,
  dispose,
  expandDims,
  keep,
  matMul,
  pad4d,
  reshape,
  stridedSlice,
  sum,
  tidy,
  transpose,
  type Tensor,
  type Tensor2D,
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

/** What the kernel is applied to, one row for each position. */
function inputRows(layer: Layer, x: Tensor): Tensor2D {
  const [m] = matrixShape(layer);
  return reshape(layer.getClassName() === 'Dense' ? x : windowsOf(layer, x), [-1, m]);
}

/** The windows of a convolution, `[batch, rows, columns, k·k·channels]`, one shifted slice for each place of the kernel. */
function windowsOf(layer: Layer, x: Tensor): Tensor {
  const { dataFormat, padding, ...settings } = layer as unknown as {
    dataFormat: string;
    padding: string;
    kernelSize: number[];
    strides: number[];
    dilationRate: number | number[];
  };
  const last = dataFormat === 'channelsFirst' ? transpose(x, [0, 2, ...(x.rank === 4 ? [3] : []), 1]) : x;
  const image = (x.rank === 3 ? expandDims(last, 2) : last) as Tensor4D; // [batch, rows, columns, channels]
  const dilations = [settings.dilationRate].flat();
  const axes = [0, 1].map((axis) => {
    const size = image.shape[axis + 1]!;
    const kernel = settings.kernelSize[axis] ?? 1;
    const stride = settings.strides[axis] ?? 1;
    const dilation = dilations[axis] ?? dilations[0]!;
    const reach = (kernel - 1) * dilation + 1;
    const places = padding === 'same' ? Math.ceil(size / stride) : Math.floor((size - reach) / stride) + 1;
    const missing = padding === 'same' ? Math.max(0, (places - 1) * stride + reach - size) : 0;
    const pads: [number, number] = [Math.floor(missing / 2), Math.ceil(missing / 2)];
    return { kernel, stride, dilation, pads, span: (places - 1) * stride + 1 };
  });
  const [rows, columns] = axes as [(typeof axes)[0], (typeof axes)[0]];
  const padded = pad4d(image, [[0, 0], rows.pads, columns.pads, [0, 0]]);
  const slices: Tensor[] = [];
  for (let i = 0; i < rows.kernel; i++) {
    for (let j = 0; j < columns.kernel; j++) {
      const from = [i * rows.dilation, j * columns.dilation] as const;
      const to = [from[0] + rows.span, from[1] + columns.span] as const;
      const [batch, , , channels] = padded.shape;
      slices.push(
        stridedSlice(padded, [0, ...from, 0], [batch, ...to, channels], [1, rows.stride, columns.stride, 1]),
      );
    }
  }
  return concat(slices, -1);
}
