/**
 * What a kernel does to its input, for a kernel that is never formed: the product with a thin factor, that product's
 * adjoint, and the gradient of a thin factor. Dense layers multiply; convolutions read W as `[outputs, k·k·channels]`.
 */
import {
  Conv2DBackpropFilter,
  Conv2DBackpropInput,
  conv2d,
  engine,
  matMul,
  reshape,
  util,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import type { Layer } from '@ockham/core/training';

/** A kernel W `[n, m]` by what is done with its factors; P is the number of positions, batch · pixels. */
export interface LinearMap {
  /** n */
  readonly outputs: number;
  /** m */
  readonly inputs: number;
  /** The input's rows times `v` `[m, r]`: `[P, r]`. */
  apply(x: Tensor, v: Tensor2D): Tensor2D;
  /** The gradient with respect to `x` where that with respect to `apply(x, v)` is `dz` `[P, r]`. */
  adjoint(dz: Tensor2D, v: Tensor2D, shape: readonly number[]): Tensor;
  /** The gradient with respect to `v`, `[m, r]`. */
  gradient(x: Tensor, dz: Tensor2D): Tensor2D;
  /** Shape of the layer's output for that of its input. */
  outputShape(shape: readonly number[]): number[];
}

/** @param shape The kernel's, `[m, n]` or `[k, k, channels, n]`. */
export function linearMapOf(layer: Layer, shape: readonly number[]): LinearMap {
  const outputs = shape.at(-1)!;
  const inputs = shape.slice(0, -1).reduce((a, b) => a * b, 1);
  return layer.getClassName() === 'Dense'
    ? denseMap(inputs, outputs)
    : convolutionMap(layer, shape.slice(0, 3) as [number, number, number], outputs);
}

/** The tensor itself where it has the shape: reshaping costs the native engine an operation. */
export function shaped<T extends Tensor>(x: Tensor, shape: readonly number[]): T {
  return (util.arraysEqual(x.shape, shape as number[]) ? x : reshape(x, [...shape])) as T;
}

function denseMap(inputs: number, outputs: number): LinearMap {
  const rows = (x: Tensor): Tensor2D => shaped(x, [x.size / inputs, inputs]);
  return {
    inputs,
    outputs,
    apply: (x, v) => matMul(rows(x), v),
    adjoint: (dz, v, shape) => shaped(matMul(dz, v, false, true), shape),
    gradient: (x, dz) => matMul(rows(x), dz, true, false),
    outputShape: (shape) => [...shape.slice(0, -1), outputs],
  };
}

function convolutionMap(
  layer: Layer,
  [height, width, channels]: readonly [number, number, number],
  outputs: number,
): LinearMap {
  const config = layer.getConfig();
  const strides = config['strides'] as [number, number];
  const pad = config['padding'] as 'same' | 'valid';
  const attributes = { strides, pad, dataFormat: 'NHWC' };
  const extent = (size: number, kernel: number, stride: number) =>
    Math.ceil((pad === 'same' ? size : size - kernel + 1) / stride);
  const outputShape = ([batch, h, w]: readonly number[], filters = outputs) => [
    batch!,
    extent(h!, height, strides[0]),
    extent(w!, width, strides[1]),
    filters,
  ];
  const filter = (v: Tensor2D): Tensor4D => reshape(v, [height, width, channels, -1]);
  return {
    inputs: height * width * channels,
    outputs,
    apply: (x, v) => reshape(conv2d(x as Tensor4D, filter(v), strides, pad), [-1, v.shape[1]]),
    adjoint: (dz, v, shape) =>
      engine().runKernel(
        Conv2DBackpropInput,
        { dy: reshape(dz, outputShape(shape, v.shape[1])), filter: filter(v) },
        { ...attributes, inputShape: [...shape] },
      ),
    gradient(x, dz) {
      const r = dz.shape[1];
      const made: Tensor = engine().runKernel(
        Conv2DBackpropFilter,
        { x, dy: reshape(dz, outputShape(x.shape, r)) },
        { ...attributes, filterShape: [height, width, channels, r] },
      );
      return reshape(made, [-1, r]);
    },
    outputShape,
  };
}
