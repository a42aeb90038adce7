/**
 * Convolutions with padding in numbers, and their gradients, on the native engine: the input is padded first and convolved
 * with none. The binding refuses such gradients, and TensorFlow's own explicit padding ends the process where a window
 * lies wholly within the padding.
 */
import {
  type backend_util,
  Conv2D,
  Conv2DBackpropFilter,
  Conv2DBackpropInput,
  DepthwiseConv2dNative,
  DepthwiseConv2dNativeBackpropFilter,
  DepthwiseConv2dNativeBackpropInput,
  FusedConv2D,
  FusedDepthwiseConv2D,
  getKernel,
  PadV2,
  Slice,
} from '@tensorflow/tfjs-core';
import type { KernelConfig, NamedAttrMap, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { wrapKernel } from '../wrap-kernel.ts';

type Pads = backend_util.ExplicitPadding;

const withInput = [
  ...[Conv2D, FusedConv2D, Conv2DBackpropFilter],
  ...[DepthwiseConv2dNative, FusedDepthwiseConv2D, DepthwiseConv2dNativeBackpropFilter],
];
const inputGradients = [Conv2DBackpropInput, DepthwiseConv2dNativeBackpropInput];

/** The kernels, around the stock ones; empty where they are in place or the engine is not there. */
export function explicitPaddingKernels(): readonly KernelConfig[] {
  const wrap = (name: string, around: Parameters<typeof wrapKernel>[2]): readonly KernelConfig[] =>
    wrapKernel(name, 'explicit padding', around, 'tensorflow');
  return [
    ...withInput.flatMap((name) =>
      wrap(name, (present) => (params) => {
        const pads = padsOf(params.attrs);
        if (!pads) return present(params);
        const { x } = params.inputs as { x: TensorInfo };
        const padded = run(PadV2, params.backend, x, { paddings: pads, constantValue: 0 });
        const inputs = { ...params.inputs, x: padded };
        const result = present({ ...params, inputs, attrs: { ...params.attrs, pad: 'valid' } });
        padded.dispose();
        return result;
      }),
    ),
    ...inputGradients.flatMap((name) =>
      wrap(name, (present) => (params) => {
        const pads = padsOf(params.attrs);
        if (!pads) return present(params);
        const { inputShape: size } = params.attrs as unknown as { inputShape: number[] };
        const inputShape = size.map((n, axis) => n + pads[axis]![0] + pads[axis]![1]);
        const padded = present({ ...params, attrs: { ...params.attrs, inputShape, pad: 'valid' } }) as Tensor;
        const dx = run(Slice, params.backend, padded, { begin: pads.map(([before]) => before), size });
        padded.dispose();
        return dx;
      }),
    ),
  ];
}

function padsOf(attrs: NamedAttrMap | undefined): Pads | undefined {
  const { pad, dataFormat } = attrs as { pad?: unknown; dataFormat?: unknown };
  return Array.isArray(pad) && dataFormat !== 'NCHW' ? (pad as unknown as Pads) : undefined;
}

function run(name: string, backend: unknown, x: TensorInfo, attrs: object): Tensor {
  const { kernelFunc } = getKernel(name, 'tensorflow');
  return kernelFunc({
    inputs: { x },
    attrs: attrs as NamedAttrMap,
    backend: backend as object,
  }) as unknown as Tensor;
}
