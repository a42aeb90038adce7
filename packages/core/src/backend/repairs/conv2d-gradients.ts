/**
 * Gradients of `conv2d` on the wasm engine, `[batch, height, width, channels]`, as stock convolutions.
 *
 * With stride s and padding p, `y[b,i,j,o] = Σ x[b, i·s + k − p, j·s + l − p, c] · w[k,l,c,o]`, so
 * - the filter's gradient is the convolution of x, channels and batch exchanged, with dy as a filter dilated by s;
 * - the input's gradient is the convolution of dy, spread out by s, with the filter turned and transposed.
 * Stock wasm lacks the first and computes the second one number at a time. Where our own kernels are attached they do
 * both.
 */
import {
  backend_util,
  Conv2D,
  Conv2DBackpropFilter,
  Conv2DBackpropInput,
  getKernel,
  Reverse,
  Slice,
  Transpose,
} from '@tensorflow/tfjs-core';
import type {
  Conv2DBackpropFilterAttrs,
  Conv2DBackpropInputAttrs,
  KernelConfig,
  KernelFunc,
  NamedAttrMap,
  NamedTensorInfoMap,
  TensorInfo,
} from '@tensorflow/tfjs-core';
import { UnsupportedModelError } from '../../errors.ts';
import { kernelsOf } from '../wasm-kernels/attach.ts';
import { filterGradient, inputGradient } from '../wasm-kernels/conv2d-gradients.ts';
import { hostOf } from './host.ts';

/** The repaired kernels. */
export const conv2dGradientKernels: readonly KernelConfig[] = [
  { kernelName: Conv2DBackpropFilter, backendName: 'wasm', kernelFunc: backpropFilter },
  { kernelName: Conv2DBackpropInput, backendName: 'wasm', kernelFunc: backpropInput },
];

type Shape4 = [number, number, number, number];

function backpropFilter({ inputs, attrs, backend }: Parameters<KernelFunc>[0]): TensorInfo {
  const { x, dy } = inputs as { x: TensorInfo; dy: TensorInfo };
  const { strides, pad, dataFormat, dimRoundingMode, filterShape } =
    attrs as unknown as Conv2DBackpropFilterAttrs;
  requireChannelsLast('Conv2DBackpropFilter', dataFormat);
  const [filterHeight, filterWidth] = filterShape;
  const info = backend_util.computeConv2DInfo(
    x.shape as Shape4,
    filterShape,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  const attached = kernelsOf(backend);
  if (attached) {
    const dw = hostOf(backend).allocate([...filterShape], 'float32');
    filterGradient(attached, info, x, dy, dw);
    return dw;
  }
  const { top, left } = info.padInfo;
  const reach = (out: number, stride: number): number => (out - 1) * stride + 1;
  return scoped(backend, (run) => {
    const images = run(Transpose, { x }, { perm: [3, 1, 2, 0] }); // [c, h, w, b]
    const filter = run(Transpose, { x: dy }, { perm: [1, 2, 0, 3] }); // [i, j, b, o]
    const dw = convolve(run, images, filter, {
      dilations: [info.strideHeight, info.strideWidth],
      top,
      left,
      bottom: reach(info.outHeight, info.strideHeight) + filterHeight - 1 - info.inHeight - top,
      right: reach(info.outWidth, info.strideWidth) + filterWidth - 1 - info.inWidth - left,
    }); // [c, k, l, o]
    return run(Transpose, { x: dw }, { perm: [1, 2, 0, 3] });
  });
}

function backpropInput({ inputs, attrs, backend }: Parameters<KernelFunc>[0]): TensorInfo {
  const { dy, filter } = inputs as { dy: TensorInfo; filter: TensorInfo };
  const { strides, pad, dataFormat, dimRoundingMode, inputShape } =
    attrs as unknown as Conv2DBackpropInputAttrs;
  requireChannelsLast('Conv2DBackpropInput', dataFormat);
  const info = backend_util.computeConv2DInfo(
    inputShape,
    filter.shape as Shape4,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  const attached = kernelsOf(backend);
  if (attached) {
    const dx = hostOf(backend).allocate([...inputShape], 'float32');
    inputGradient(attached, info, dy, filter, dx);
    return dx;
  }
  const { filterHeight, filterWidth, strideHeight, strideWidth } = info;
  return scoped(backend, (run, own) => {
    const spread =
      strideHeight * strideWidth === 1 ? dy : own(spreadOut(dy, strideHeight, strideWidth, backend));
    const turned = run(Reverse, { x: filter }, { dims: [0, 1] });
    const top = filterHeight - 1 - info.padInfo.top;
    const left = filterWidth - 1 - info.padInfo.left;
    return convolve(run, spread, run(Transpose, { x: turned }, { perm: [0, 1, 3, 2] }), {
      dilations: [1, 1],
      top,
      left,
      bottom: info.inHeight - 1 + filterHeight - spread.shape[1]! - top,
      right: info.inWidth - 1 + filterWidth - spread.shape[2]! - left,
    });
  });
}

interface Frame {
  readonly dilations: [number, number];
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** A stride-1 convolution whose padding may be negative, which crops. */
function convolve(run: Run, x: TensorInfo, filter: TensorInfo, frame: Frame): TensorInfo {
  const { dilations, top, bottom, left, right } = frame;
  const crop = (pad: number): number => Math.max(-pad, 0);
  const [n, height, width, channels] = x.shape as Shape4;
  let cropped = x;
  if (Math.min(top, bottom, left, right) < 0) {
    cropped = run(
      Slice,
      { x },
      {
        begin: [0, crop(top), crop(left), 0],
        size: [n, height - crop(top) - crop(bottom), width - crop(left) - crop(right), channels],
      },
    );
  }
  const pad = [
    [0, 0],
    [Math.max(top, 0), Math.max(bottom, 0)],
    [Math.max(left, 0), Math.max(right, 0)],
    [0, 0],
  ];
  return run(Conv2D, { x: cropped, filter }, { strides: [1, 1], dilations, pad, dataFormat: 'NHWC' });
}

/** Puts `stride − 1` zeros between neighbours. */
function spreadOut(dy: TensorInfo, strideHeight: number, strideWidth: number, backend: unknown): TensorInfo {
  const host = hostOf(backend);
  const [n, height, width, channels] = dy.shape as Shape4;
  const tall = (height - 1) * strideHeight + 1;
  const wide = (width - 1) * strideWidth + 1;
  const spread = host.allocate([n, tall, wide, channels], 'float32');
  const from = host.view(dy);
  const to = host.view(spread).fill(0);
  for (let b = 0, at = 0; b < n; b++) {
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++, at += channels) {
        const target = ((b * tall + i * strideHeight) * wide + j * strideWidth) * channels;
        for (let c = 0; c < channels; c++) to[target + c] = from[at + c]!;
      }
    }
  }
  return spread;
}

type Run = (kernel: string, inputs: NamedTensorInfoMap, attrs: object) => TensorInfo;

/** Runs stock wasm kernels and frees what they returned, except the result. */
function scoped(
  backend: unknown,
  body: (run: Run, own: (tensor: TensorInfo) => TensorInfo) => TensorInfo,
): TensorInfo {
  const made: TensorInfo[] = [];
  const own = (tensor: TensorInfo): TensorInfo => {
    made.push(tensor);
    return tensor;
  };
  const run: Run = (name, inputs, attrs) => {
    const kernel = getKernel(name, 'wasm');
    return own(
      kernel.kernelFunc({ inputs, attrs: attrs as NamedAttrMap, backend: backend as object }) as TensorInfo,
    );
  };
  let result: TensorInfo | undefined;
  try {
    return (result = body(run, own));
  } finally {
    const engine = backend as { disposeData(dataId: object): boolean };
    for (const tensor of made) if (tensor !== result) engine.disposeData(tensor.dataId);
  }
}

function requireChannelsLast(kernel: string, dataFormat: 'NHWC' | 'NCHW'): void {
  if (dataFormat === 'NHWC') return;
  throw new UnsupportedModelError(
    `backend.${kernel}: the wasm engine convolves NHWC only, got ${dataFormat}. Build the layer with dataFormat 'channelsLast'.`,
  );
}
