/**
 * Gradients of max and average pooling, `[batch, (depth,) height, width, channels]`, and the 3-D maximum itself.
 *
 * Stock wasm starts a window's maximum at a tiny positive number, so where the maximum is ≤ 0 its gradient goes
 * to the wrong place (and the 3-D maximum is wrong too); stock wasm and cpu divide an average window that
 * overlaps the padding by its full size although the forward pass divides by the pixels inside. As in
 * TensorFlow, the first maximum of a window, in row-major order, takes the whole gradient.
 *
 * Where our kernels are attached the gradients of 2-D pooling are theirs.
 */
import {
  AvgPool3DGrad,
  AvgPoolGrad,
  backend_util,
  MaxPool3D,
  MaxPool3DGrad,
  MaxPoolGrad,
} from '@tensorflow/tfjs-core';
import type {
  KernelConfig,
  KernelFunc,
  MaxPool3DGradAttrs,
  MaxPoolGradAttrs,
  TensorInfo,
} from '@tensorflow/tfjs-core';
import { kernelsOf } from '../wasm-kernels/attach.ts';
import * as own from '../wasm-kernels/pool2d.ts';
import { hostEngines, hostOf } from './host.ts';

/** The repaired kernels, for every engine that needs them. */
export const poolingKernels: readonly KernelConfig[] = [
  ...hostEngines.flatMap((backendName) => [
    {
      kernelName: MaxPoolGrad,
      backendName,
      kernelFunc: preferOwn(own.maxPoolGradient, gradient(windows2d, scatterMaxima)),
    },
    {
      kernelName: AvgPoolGrad,
      backendName,
      kernelFunc: preferOwn(own.averagePoolGradient, gradient(windows2d, spreadMeans)),
    },
    { kernelName: MaxPool3DGrad, backendName, kernelFunc: gradient(windows3d, scatterMaxima) },
    { kernelName: AvgPool3DGrad, backendName, kernelFunc: gradient(windows3d, spreadMeans) },
  ]),
  { kernelName: MaxPool3D, backendName: 'wasm', kernelFunc: maxPool3d },
];

type Values = Float32Array | Int32Array | Uint8Array;

/** Three sizes: depth, height, width. */
type Triple = readonly [number, number, number];

/** The geometry of the windows; 2-D pooling has depth 1. */
interface Windows {
  readonly batch: number;
  readonly channels: number;
  readonly input: Triple;
  readonly output: Triple;
  readonly filter: Triple;
  readonly stride: Triple;
  /** Padding before the first row of each axis. */
  readonly before: Triple;
  readonly outShape: number[];
}

function windows2d(shape: number[], attrs: unknown): Windows {
  const { filterSize, strides, pad, dimRoundingMode } = attrs as MaxPoolGradAttrs;
  const at = shape as [number, number, number, number];
  const info = backend_util.computePool2DInfo(at, filterSize, strides, 1, pad, dimRoundingMode);
  return {
    batch: info.batchSize,
    channels: info.inChannels,
    input: [1, info.inHeight, info.inWidth],
    output: [1, info.outHeight, info.outWidth],
    filter: [1, info.filterHeight, info.filterWidth],
    stride: [1, info.strideHeight, info.strideWidth],
    before: [0, info.padInfo.top, info.padInfo.left],
    outShape: info.outShape,
  };
}

function windows3d(shape: number[], attrs: unknown): Windows {
  const { filterSize, strides, pad, dimRoundingMode } = attrs as MaxPool3DGradAttrs;
  const at = shape as [number, number, number, number, number];
  const info = backend_util.computePool3DInfo(at, filterSize, strides, 1, pad, dimRoundingMode);
  return {
    batch: info.batchSize,
    channels: info.inChannels,
    input: [info.inDepth, info.inHeight, info.inWidth],
    output: [info.outDepth, info.outHeight, info.outWidth],
    filter: [info.filterDepth, info.filterHeight, info.filterWidth],
    stride: [info.strideDepth, info.strideHeight, info.strideWidth],
    before: [info.padInfo.front, info.padInfo.top, info.padInfo.left],
    outShape: info.outShape,
  };
}

function gradient(
  geometry: (shape: number[], attrs: unknown) => Windows,
  fill: (dy: Values, x: Values, dx: Values, windows: Windows) => void,
): KernelFunc {
  return ({ inputs, attrs, backend }) => {
    const { dy, input } = inputs as { dy: TensorInfo; input: TensorInfo };
    const host = hostOf(backend);
    const dx = host.allocate(input.shape, 'float32');
    fill(host.view(dy), host.view(input), host.view(dx).fill(0), geometry(input.shape, attrs));
    return dx;
  };
}

/** A gradient of 2-D pooling by our kernels where they are attached. */
function preferOwn(kernel: typeof own.maxPoolGradient, otherwise: KernelFunc): KernelFunc {
  return (params) => {
    const { inputs, attrs, backend } = params;
    const { dy, input } = inputs as { dy: TensorInfo; input: TensorInfo };
    const attached = kernelsOf(backend);
    if (!attached || input.dtype !== 'float32') return otherwise(params);
    return kernel(attached, backend, dy, input, attrs);
  };
}

function maxPool3d({ inputs, attrs, backend }: Parameters<KernelFunc>[0]): TensorInfo {
  const { x } = inputs as { x: TensorInfo };
  const windows = windows3d(x.shape, attrs);
  const host = hostOf(backend);
  const y = host.allocate(windows.outShape, x.dtype);
  const [from, to] = [host.view(x), host.view(y).fill(0)];
  eachMaximum(from, windows, (best, out) => {
    for (let c = 0; c < windows.channels; c++) to[out + c] = from[best[c]!]!;
  });
  return y;
}

function scatterMaxima(dy: Values, x: Values, dx: Values, windows: Windows): void {
  eachMaximum(x, windows, (best, out) => {
    for (let c = 0; c < windows.channels; c++) dx[best[c]!]! += dy[out + c]!;
  });
}

function spreadMeans(dy: Values, _x: Values, dx: Values, windows: Windows): void {
  const { channels } = windows;
  eachWindow(windows, (pixels, count, out) => {
    const share = 1 / count;
    for (let p = 0; p < count; p++) {
      const at = pixels[p]! * channels;
      for (let c = 0; c < channels; c++) dx[at + c]! += dy[out + c]! * share;
    }
  });
}

/** Visits every window with the index into x of each channel's first maximum. */
function eachMaximum(x: Values, windows: Windows, visit: (best: Int32Array, out: number) => void): void {
  const { channels } = windows;
  const best = new Int32Array(channels);
  eachWindow(windows, (pixels, count, out) => {
    for (let c = 0; c < channels; c++) best[c] = pixels[0]! * channels + c;
    for (let p = 1; p < count; p++) {
      const at = pixels[p]! * channels;
      for (let c = 0; c < channels; c++) if (x[at + c]! > x[best[c]!]!) best[c] = at + c;
    }
    visit(best, out);
  });
}

/**
 * Visits every window with the pixels of the input that it covers and the index where its output's channels
 * start. A window wholly inside the padding is left out.
 */
function eachWindow(
  { batch, channels, input, output, filter, stride, before }: Windows,
  visit: (pixels: Int32Array, count: number, out: number) => void,
): void {
  const [, height, width] = input;
  const pixels = new Int32Array(filter[0] * filter[1] * filter[2]);
  const first = (axis: 0 | 1 | 2, at: number): number => Math.max(at * stride[axis] - before[axis], 0);
  const end = (axis: 0 | 1 | 2, at: number): number =>
    Math.min(at * stride[axis] - before[axis] + filter[axis], input[axis]);
  let out = 0;
  for (let b = 0; b < batch; b++) {
    for (let d = 0; d < output[0]; d++) {
      const [front, back] = [first(0, d), end(0, d)];
      for (let i = 0; i < output[1]; i++) {
        const [top, bottom] = [first(1, i), end(1, i)];
        for (let j = 0; j < output[2]; j++, out += channels) {
          const [left, right] = [first(2, j), end(2, j)];
          let count = 0;
          for (let slice = b * input[0] + front; slice < b * input[0] + back; slice++) {
            for (let row = top; row < bottom; row++) {
              const line = (slice * height + row) * width;
              for (let column = left; column < right; column++) pixels[count++] = line + column;
            }
          }
          if (count > 0) visit(pixels, count, out);
        }
      }
    }
  }
}
