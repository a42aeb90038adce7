/**
 * What one call of each layer of TensorFlow.js costs, per example.
 *
 * A multiply-accumulate is 2 FLOPs, a bias addition, comparison or any scalar function (exp, tanh, …) 1, a
 * softmax 3 per value. Windows that reach into the padding count in full, as in every published table. Batch
 * normalisation counts as the scale and shift it is at inference. Copies (reshape, padding, concatenation,
 * look-up) and what happens in training only (dropout) are 0.
 */
import type { LayerCall, TensorShape } from './model-calls.ts';

/** The cost of one call for one example. */
export interface CallCost {
  /** How often each weight's every value is used, by the last part of its name: `{ kernel: 576, bias: 576 }`. */
  readonly uses?: Readonly<Record<string, number>>;
  /** FLOPs that no weight decides: activations, pooling, sums. */
  readonly elementwise?: number;
}

/** Says what a call of a layer class costs. Must not guess: throw where it cannot tell. */
export type FlopRule = (call: LayerCall) => CallCost;

/** The rules for the layers of `@tensorflow/tfjs-layers`, by class name. */
export const flopRules: Readonly<Record<string, FlopRule>> = {
  Dense: (call) => withActivation(call, { kernel: positions(call), bias: positions(call) }),
  Conv1D: convolution,
  Conv2D: convolution,
  Conv3D: convolution,
  Conv2DTranspose: transposedConvolution,
  Conv3DTranspose: transposedConvolution,
  DepthwiseConv2D: (call) =>
    withActivation(call, { depthwise_kernel: positions(call), bias: positions(call) }),
  SeparableConv2D: (call) => {
    const uses = positions(call);
    return withActivation(call, { depthwise_kernel: uses, pointwise_kernel: uses, bias: uses });
  },
  SimpleRNN: (call) => recurrent(call, 1),
  GRU: (call) => recurrent(call, 8), // 3 activations; r·h, z·h, (1 − z)·n and their sum
  LSTM: (call) => recurrent(call, 9), // 5 activations; f·c + i·g, o·tanh(c)

  BatchNormalization: (call) => perOutput(call, 2),
  LayerNormalization: (call) => perOutput(call, 7), // mean, centre, square, variance, divide, scale, shift
  LayerNorm: (call) => perOutput(call, 7),

  MaxPooling1D: (call) => perOutput(call, windowSize(call) - 1),
  MaxPooling2D: (call) => perOutput(call, windowSize(call) - 1),
  MaxPooling3D: (call) => perOutput(call, windowSize(call) - 1),
  AveragePooling1D: (call) => perOutput(call, averageCost(call)),
  AveragePooling2D: (call) => perOutput(call, averageCost(call)),
  AveragePooling3D: (call) => perOutput(call, averageCost(call)),
  GlobalAveragePooling1D: (call) => ({ elementwise: valuesIn(call.inputShapes[0]!) }),
  GlobalAveragePooling2D: (call) => ({ elementwise: valuesIn(call.inputShapes[0]!) }),
  GlobalMaxPooling1D: (call) => ({ elementwise: valuesIn(call.inputShapes[0]!) - valuesOut(call) }),
  GlobalMaxPooling2D: (call) => ({ elementwise: valuesIn(call.inputShapes[0]!) - valuesOut(call) }),

  Activation: (call) => withActivation(call, {}),
  ReLU: (call) => perOutput(call, 1),
  LeakyReLU: (call) => perOutput(call, 1),
  PReLU: (call) => perOutput(call, 1),
  ELU: (call) => perOutput(call, 1),
  ThresholdedReLU: (call) => perOutput(call, 1),
  Softmax: (call) => perOutput(call, 3),

  AttentionProbabilities: (call) => {
    const [queries] = call.inputShapes as [TensorShape];
    const products = valuesIn(queries) * fixed(call.outputShapes[0]!.at(-1)); // width · length · length
    return { elementwise: 2 * products + valuesIn(queries) + 4 * valuesOut(call) }; // scale, mask, softmax
  },
  AttentionContext: (call) => ({ elementwise: 2 * valuesOut(call) * fixed(call.inputShapes[0]!.at(-1)) }),
  PaddingMask: (call) => perOutput(call, 1),
  CausalMask: (call) => perOutput(call, 1),
  PositionEmbedding: (call) => perOutput(call, 1),
  OutputBias: (call) => ({ uses: { bias: positions(call) } }),
  // the look-up is a copy, the output matrix a product
  TiedEmbedding: (call) =>
    call.inputShapes[0]!.length === 2 ? {} : { uses: { embeddings: positions(call) } },

  Add: merge,
  Multiply: merge,
  Maximum: merge,
  Minimum: merge,
  Average: (call) => perOutput(call, call.inputShapes.length),

  ...Object.fromEntries(
    [
      'InputLayer',
      'Dropout',
      'SpatialDropout1D',
      'GaussianNoise',
      'GaussianDropout',
      'AlphaDropout',
      'Flatten',
      'Reshape',
      'Permute',
      'RepeatVector',
      'Masking',
      'ZeroPadding2D',
      'Cropping2D',
      'UpSampling2D',
      'Concatenate',
      'Embedding',
      'PadChannels',
      'FirstToken',
      'TokenColumn',
    ].map((name): [string, FlopRule] => [name, () => ({})]),
  ),
};

function convolution(call: LayerCall): CallCost {
  return withActivation(call, { kernel: positions(call), bias: positions(call) });
}

/** Each input position spreads through the whole kernel. */
function transposedConvolution(call: LayerCall): CallCost {
  return withActivation(call, {
    kernel: spatialSize(call.inputShapes[0]!, dataFormat(call)),
    bias: positions(call),
  });
}

function recurrent(call: LayerCall, flopsPerUnit: number): CallCost {
  const steps = fixed(call.inputShapes[0]![1]);
  const { units } = configOf(call) as { units: number };
  return {
    uses: { kernel: steps, recurrent_kernel: steps, bias: steps },
    elementwise: steps * units * flopsPerUnit,
  };
}

function merge(call: LayerCall): CallCost {
  return perOutput(call, call.inputShapes.length - 1);
}

function perOutput(call: LayerCall, flops: number): CallCost {
  return { elementwise: valuesOut(call) * flops };
}

function withActivation(call: LayerCall, uses: Readonly<Record<string, number>>): CallCost {
  const { activation } = configOf(call) as { activation?: string };
  const flops = activation === undefined || activation === 'linear' ? 0 : activation === 'softmax' ? 3 : 1;
  return { uses, elementwise: valuesOut(call) * flops };
}

/** Positions that a kernel is applied at: the output without batch and channels. */
function positions(call: LayerCall): number {
  return spatialSize(call.outputShapes[0]!, dataFormat(call));
}

function spatialSize(shape: TensorShape, format: unknown): number {
  const sizes = format === 'channelsFirst' ? shape.slice(2) : shape.slice(1, -1);
  return product(sizes);
}

function windowSize(call: LayerCall): number {
  const { poolSize } = configOf(call) as { poolSize: number | number[] };
  return product([poolSize].flat());
}

/** Additions and one division; a window of one value is a copy. */
function averageCost(call: LayerCall): number {
  const window = windowSize(call);
  return window === 1 ? 0 : window;
}

function valuesOut(call: LayerCall): number {
  return valuesIn(call.outputShapes[0]!);
}

function valuesIn(shape: TensorShape): number {
  return product(shape.slice(1));
}

function product(sizes: TensorShape): number {
  return sizes.reduce((total: number, size) => total * fixed(size), 1);
}

function fixed(size: number | null | undefined): number {
  if (typeof size === 'number') return size;
  throw new Error('its shape is not fixed');
}

function dataFormat(call: LayerCall): unknown {
  return (configOf(call) as { dataFormat?: string }).dataFormat;
}

function configOf(call: LayerCall): unknown {
  return call.layer.getConfig();
}
