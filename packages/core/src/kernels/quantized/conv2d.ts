/** Convolutions by filters that stay quantised. */
import {
  backend,
  backend_util,
  engine,
  fused,
  tensor4d,
  tidy,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import { hostOf } from '../../backend/repairs/host.ts';
import { rangeOf } from '../../backend/wasm-kernels/activation-range.ts';
import { kernelsOf } from '../../backend/wasm-kernels/attach.ts';
import { geometryOf, placeGeometry } from '../../backend/wasm-kernels/geometry.ts';
import { ArgumentError } from '../../errors.ts';
import { decodedBytes, decodeMatrix, decodeTo, decodingBytes } from './decode.ts';
import type { LoadedMatrix } from './loaded-matrix.ts';
import { quantizedMatMul } from './mat-mul.ts';
import { engineSpace } from './products.ts';

/** Pixels for which decoding costs more than it saves. */
const FEW = 4;

/** Options of {@link quantizedConv2d}. */
export interface QuantizedConv2dOptions {
  /** Height and width of the filters. */
  readonly size: readonly [height: number, width: number];
  /** Default 1 × 1. */
  readonly strides?: readonly [down: number, across: number];
  /** Default `valid`. */
  readonly padding?: 'same' | 'valid';
  /** Default 1 × 1. */
  readonly dilations?: readonly [down: number, across: number];
  /** `[outputs]`, float32. Default none. */
  readonly bias?: Tensor;
  /** Applied last. Default `linear`, none. */
  readonly activation?: 'linear' | 'relu';
}

/**
 * activation(x ∗ W + bias) for filters W `[outputs, height · width · channels]` that stay quantised: what a convolution of float32 gives with
 * the numbers that they stand for.
 *
 * On the wasm engine the kernels decode them into a workspace for the time of the call, if the matrix was loaded while it was in use; 1 × 1
 * filters on a few pixels are a product with the matrix itself. On other engines the kernels decode them to a tensor of that life.
 *
 * Differentiable with respect to x and the bias; the filters are constant.
 *
 * @param x `[batch, height, width, channels]`, float32.
 * @returns `[batch, out height, out width, outputs]`.
 * @throws ArgumentError for shapes that do not fit and a matrix that was disposed of.
 *
 * @example
 * const w = (await quantizedProducts()).load(packed); // [64, 3 · 3 · 32]
 * const y = quantizedConv2d(x, w, { size: [3, 3], padding: 'same', bias, activation: 'relu' });
 */
export function quantizedConv2d(
  x: Tensor4D,
  matrix: LoadedMatrix,
  options: QuantizedConv2dOptions,
): Tensor4D {
  const who = 'quantizedConv2d';
  const {
    size,
    strides = [1, 1],
    padding = 'valid',
    dilations = [1, 1],
    bias,
    activation = 'linear',
  } = options;
  const { inputs, outputs, space } = matrix;
  const [height, width] = size;
  const channels = x.shape[3];
  if (x.rank !== 4 || x.dtype !== 'float32' || height * width * channels !== inputs)
    throw new ArgumentError(
      `${who}: x must be float32 of shape [batch, height, width, ${inputs / (height * width)}], since filters of ${height} × ${width} have ${inputs} numbers, got ${x.dtype} of [${x.shape.join(', ')}].`,
    );
  if (bias && (bias.rank !== 1 || bias.size !== outputs || bias.dtype !== 'float32'))
    throw new ArgumentError(
      `${who}: bias must be float32 of shape [outputs] = [${outputs}], got ${bias.dtype} of [${bias.shape.join(', ')}].`,
    );
  const range = rangeOf(activation);
  if (activation !== 'linear' && activation !== 'relu')
    throw new ArgumentError(
      `${who}: activation must be linear or relu, got ${String(activation)}. Apply another to the result.`,
    );
  matrix.places(who);
  const plus = bias && { bias };
  const here = engineSpace() === space;
  const pixels = x.shape[0] * x.shape[1] * x.shape[2];
  if (here && pixels < FEW && [height, width, ...strides].every((each) => each === 1))
    return quantizedMatMul(x, matrix, { ...plus, activation }) as Tensor4D;
  const shape: [number, number, number, number] = [height, width, channels, outputs];
  const [steps, reach] = [[...strides], [...dilations]] as [[number, number], [number, number]];
  if (!here || engine().state.gradientDepth > 0)
    return tidy(() => {
      const filter = tensor4d(decodeMatrix(matrix), shape);
      const given = { x, filter, strides: steps, pad: padding, dilations: reach, activation, ...plus };
      return fused.conv2d(given);
    });
  const info = backend_util.computeConv2DInfo(x.shape, shape, steps, reach, padding);
  const y = engine().makeTensorFromTensorInfo(
    hostOf(backend()).allocate(info.outShape, 'float32'),
  ) as Tensor4D;
  try {
    const { kernels } = space;
    const { address } = kernelsOf(backend())!;
    const filter = decodedBytes(matrix);
    const { at, work } = placeGeometry(space, geometryOf(info), (geometry) => {
      return filter + Math.max(decodingBytes(matrix), kernels.convolveBytes(geometry));
    });
    decodeTo(who, matrix, work, work + filter);
    kernels.convolve(at, address(x), work, address(y), work + filter);
    const rows = info.batchSize * info.outHeight * info.outWidth;
    if (bias || activation === 'relu')
      kernels.finish(rows, outputs, address(y), bias ? address(bias) : 0, ...range!);
    return y;
  } catch (error) {
    y.dispose();
    throw error;
  }
}
