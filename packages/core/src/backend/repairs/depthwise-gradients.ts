/**
 * Gradients of `depthwiseConv2d`, `[batch, height, width, channels]`, which the stock wasm engine lacks.
 *
 * With multiplier m, `y[b,i,j,c·m+q] = Σ x[b, i·s + k·d − p, j·s + l·d − p, c] · w[k,l,c,q]`; both gradients
 * walk over the same products. Where our kernels are attached they do both.
 *
 * The gradient with a dilation above 1, which TensorFlow.js refuses, is admitted on wasm.
 */
import {
  backend_util,
  DepthwiseConv2dNative,
  DepthwiseConv2dNativeBackpropFilter,
  DepthwiseConv2dNativeBackpropInput,
  engine,
  getBackend,
  getGradient,
} from '@tensorflow/tfjs-core';
import type {
  DepthwiseConv2dNativeAttrs,
  DepthwiseConv2dNativeBackpropFilterAttrs,
  DepthwiseConv2dNativeBackpropInputAttrs,
  GradConfig,
  KernelConfig,
  KernelFunc,
  NamedAttrMap,
  Tensor,
  TensorInfo,
} from '@tensorflow/tfjs-core';
import { kernelsOf } from '../wasm-kernels/attach.ts';
import { depthwiseFilterGradient, depthwiseInputGradient } from '../wasm-kernels/depthwise.ts';
import { hostOf } from './host.ts';

/** The repaired kernels. */
export const depthwiseGradientKernels: readonly KernelConfig[] = [
  { kernelName: DepthwiseConv2dNativeBackpropInput, backendName: 'wasm', kernelFunc: backpropInput },
  { kernelName: DepthwiseConv2dNativeBackpropFilter, backendName: 'wasm', kernelFunc: backpropFilter },
];

/** The gradient to register over the stock one; empty where it is in place or no gradients are imported. */
export function depthwiseGradients(): readonly GradConfig[] {
  const stock = getGradient(DepthwiseConv2dNative);
  if (!stock || ours.has(stock)) return [];
  const replacement: GradConfig = {
    ...stock,
    gradFunc: (dy, saved, attrs) => {
      const { strides, dilations, pad, dimRoundingMode } = attrs as unknown as DepthwiseConv2dNativeAttrs;
      if (getBackend() !== 'wasm' || !dilations) return stock.gradFunc(dy, saved, attrs);
      const [x, filter] = saved as [Tensor, Tensor];
      const shared = { strides, pad, dimRoundingMode, dilations };
      const run = (kernel: string, inputs: Record<string, Tensor>, own: object): Tensor =>
        engine().runKernel(kernel, inputs, { ...shared, ...own } as unknown as NamedAttrMap);
      return {
        x: () =>
          run(DepthwiseConv2dNativeBackpropInput, { dy: dy as Tensor, filter }, { inputShape: x.shape }),
        filter: () =>
          run(DepthwiseConv2dNativeBackpropFilter, { x, dy: dy as Tensor }, { filterShape: filter.shape }),
      };
    },
  };
  ours.add(replacement);
  return [replacement];
}

const ours = new WeakSet<GradConfig>();

type Shape4 = [number, number, number, number];

function backpropInput({ inputs, attrs, backend }: Parameters<KernelFunc>[0]): TensorInfo {
  const { dy, filter } = inputs as { dy: TensorInfo; filter: TensorInfo };
  const { inputShape, strides, dilations, pad, dimRoundingMode } =
    attrs as unknown as DepthwiseConv2dNativeBackpropInputAttrs;
  const info = backend_util.computeConv2DInfo(
    inputShape,
    filter.shape as Shape4,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    true,
  );
  const host = hostOf(backend);
  const result = host.allocate(inputShape, 'float32');
  const attached = kernelsOf(backend);
  if (attached) {
    depthwiseInputGradient(attached, info, dy, filter, result);
    return result;
  }
  const [g, w, dx] = [host.view(dy), host.view(filter), host.view(result).fill(0)];
  const { inChannels, outChannels } = info;
  const multiplier = outChannels / inChannels;
  eachTap(info, (xAt, wAt, yAt) => {
    for (let c = 0, o = 0; c < inChannels; c++) {
      let sum = 0;
      for (let q = 0; q < multiplier; q++, o++) sum += g[yAt + o]! * w[wAt + o]!;
      dx[xAt + c]! += sum;
    }
  });
  return result;
}

function backpropFilter({ inputs, attrs, backend }: Parameters<KernelFunc>[0]): TensorInfo {
  const { x, dy } = inputs as { x: TensorInfo; dy: TensorInfo };
  const { filterShape, strides, dilations, pad, dimRoundingMode } =
    attrs as unknown as DepthwiseConv2dNativeBackpropFilterAttrs;
  const info = backend_util.computeConv2DInfo(
    x.shape as Shape4,
    filterShape,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    true,
  );
  const host = hostOf(backend);
  const result = host.allocate(filterShape, 'float32');
  const attached = kernelsOf(backend);
  if (attached) {
    depthwiseFilterGradient(attached, info, x, dy, result);
    return result;
  }
  const [g, v, dw] = [host.view(dy), host.view(x), host.view(result).fill(0)];
  const { inChannels, outChannels } = info;
  const multiplier = outChannels / inChannels;
  eachTap(info, (xAt, wAt, yAt) => {
    for (let c = 0, o = 0; c < inChannels; c++) {
      const value = v[xAt + c]!;
      for (let q = 0; q < multiplier; q++, o++) dw[wAt + o]! += value * g[yAt + o]!;
    }
  });
  return result;
}

/** Visits every pair of an output pixel and a filter position inside the image, by where their channels start. */
function eachTap(
  info: ReturnType<typeof backend_util.computeConv2DInfo>,
  visit: (xAt: number, filterAt: number, yAt: number) => void,
): void {
  const { inHeight, inWidth, inChannels, outHeight, outWidth, outChannels, filterHeight, filterWidth } = info;
  for (let b = 0; b < info.batchSize; b++) {
    for (let i = 0; i < outHeight; i++) {
      for (let j = 0; j < outWidth; j++) {
        const yAt = ((b * outHeight + i) * outWidth + j) * outChannels;
        for (let k = 0; k < filterHeight; k++) {
          const row = i * info.strideHeight + k * info.dilationHeight - info.padInfo.top;
          if (row < 0 || row >= inHeight) continue;
          for (let l = 0; l < filterWidth; l++) {
            const column = j * info.strideWidth + l * info.dilationWidth - info.padInfo.left;
            if (column < 0 || column >= inWidth) continue;
            visit(
              ((b * inHeight + row) * inWidth + column) * inChannels,
              (k * filterWidth + l) * outChannels,
              yAt,
            );
          }
        }
      }
    }
  }
}
