import {
  add,
  backend,
  customGrad,
  engine,
  erf,
  matMul,
  mul,
  relu,
  reshape,
  tanh,
  tensor1d,
  tensor2d,
  tidy,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { hostOf } from '../../backend/repairs/host.ts';
import { kernelsOf } from '../../backend/wasm-kernels/attach.ts';
import { ArgumentError } from '../../errors.ts';
import type { LoadedMatrix } from './loaded-matrix.ts';
import { dequantize } from './packed-matrix.ts';
import { checkChoices, engineSpace, multiply, type MultiplyOptions } from './products.ts';
import { runProduct, type ProductActivation } from './run-product.ts';

/** Options of {@link quantizedMatMul}. */
export interface QuantizedMatMulOptions extends Omit<MultiplyOptions, 'bias'> {
  /** Added to each row of the result, `[outputs]`, float32. Default none. */
  readonly bias?: Tensor;
}

/**
 * activation(x · Wᵀ + bias) for a matrix W `[outputs, inputs]` that stays quantised. On the wasm engine the kernels read and write
 * its tensors where they are, if the matrix was loaded while it was in use; otherwise numbers are copied.
 *
 * Differentiable with respect to x and the bias, as if activations were not quantised; the matrix is constant.
 *
 * @param x `[…, inputs]`, float32.
 * @returns `[…, outputs]`.
 * @throws ArgumentError for shapes that do not fit and a matrix that was disposed of.
 *
 * @example
 * const w = (await quantizedProducts()).load(packed);
 * const y = quantizedMatMul(x, w, { bias, activation: 'gelu', activations: 'int8' });
 */
export function quantizedMatMul(
  x: Tensor,
  matrix: LoadedMatrix,
  { bias, activation = 'linear', activations = 'float32' }: QuantizedMatMulOptions = {},
): Tensor {
  const who = 'quantizedMatMul';
  const { inputs, outputs } = matrix;
  if (x.rank < 1 || x.shape.at(-1) !== inputs || x.dtype !== 'float32')
    throw new ArgumentError(
      `${who}: x must be float32 of shape […, inputs] = […, ${inputs}], got ${x.dtype} of [${x.shape.join(', ')}]. Give W's inputs last.`,
    );
  if (bias && (bias.rank !== 1 || bias.size !== outputs || bias.dtype !== 'float32'))
    throw new ArgumentError(
      `${who}: bias must be float32 of shape [outputs] = [${outputs}], got ${bias.dtype} of [${bias.shape.join(', ')}].`,
    );
  checkChoices(who, activation, activations);
  matrix.places(who);
  if (engine().state.gradientDepth === 0) return forward(x, bias, matrix, activation, activations);
  return tidy(() => {
    const y = differentiable(x, matrix, activations);
    return activated(bias ? add(y, bias) : y, activation);
  });
}

function forward(
  x: Tensor,
  bias: Tensor | undefined,
  matrix: LoadedMatrix,
  activation: ProductActivation,
  activations: 'float32' | 'int8',
): Tensor {
  const { inputs, outputs, space } = matrix;
  const rows = x.shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const shape = [...x.shape.slice(0, -1), outputs];
  if (engineSpace() === space) {
    const { address } = kernelsOf(backend())!;
    const y = hostOf(backend()).allocate(shape, 'float32');
    const [from, plus, to] = [address(x), bias ? address(bias) : 0, address(y)];
    runProduct('quantizedMatMul', matrix, [rows, from, plus, to], { activation, activations });
    return engine().makeTensorFromTensorInfo(y);
  }
  const given = bias && { bias: bias.dataSync<'float32'>() };
  const options = { activation, activations, ...given };
  const y = multiply(inputs === 0 ? new Float32Array() : x.dataSync<'float32'>(), rows, matrix, options);
  return tidy(() => reshape(tensor1d(y), shape));
}

/** The product alone, with a gradient. */
function differentiable(x: Tensor, matrix: LoadedMatrix, activations: 'float32' | 'int8'): Tensor {
  const { inputs, outputs } = matrix;
  const product = customGrad((input) => ({
    value: forward(input as Tensor, undefined, matrix, 'linear', activations),
    gradFunc: (dy) => {
      const w = tensor2d(dequantize(matrix.packed()), [outputs, inputs]);
      const rows = reshape(dy, [-1, outputs]);
      return reshape(matMul(rows, w), x.shape);
    },
  }));
  return product(x);
}

function activated(x: Tensor, activation: ProductActivation): Tensor {
  if (activation === 'linear') return x;
  if (activation === 'relu') return relu(x);
  const half = mul(x, 0.5);
  if (activation === 'gelu') return mul(half, add(erf(mul(x, Math.SQRT1_2)), 1));
  const inner = mul(add(x, mul(mul(mul(x, x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return mul(half, add(tanh(inner), 1));
}
