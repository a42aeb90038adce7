/**
 * Products of float32 rows with quantised matrices that stay quantised in memory, as in ZeroQuant (Yao et al. 2022): weights in groups,
 * activations as they are or in int8, one scale for each row, chosen when it comes (token-wise, dynamic).
 */
import { backend } from '@tensorflow/tfjs-core';
import { kernelsOf } from '../../backend/wasm-kernels/attach.ts';
import { ArgumentError } from '../../errors.ts';
import { checkArray, checkSizes } from '../check-arrays.ts';
import { bindKernels, compileKernels } from '../compile.ts';
import { LoadedMatrix, type KernelSpace } from './loaded-matrix.ts';
import { ownMemory } from './own-memory.ts';
import type { PackedMatrix } from './packed-matrix.ts';
import { runProduct, type ProductActivation } from './run-product.ts';

/** Options of {@link QuantizedProducts.multiply}. */
export interface MultiplyOptions {
  /** Added to each row of the result, `[outputs]`. Default none. */
  readonly bias?: Float32Array;
  /** Applied last. Default `linear`, none; `gelu` is that with the error function. */
  readonly activation?: ProductActivation;
  /**
   * How rows are multiplied: `float32` as they are; `int8` quantised first, each with the scale max |x| / 127, so that the sums are of
   * integers: faster, and off by up to half a step of each number. Default `float32`.
   */
  readonly activations?: 'float32' | 'int8';
}

/** Products with matrices in one memory. */
export interface QuantizedProducts {
  /**
   * Puts a packed matrix into the memory of the kernels, quantised as it is.
   *
   * @throws ArgumentError if its parts do not fit each other; OckhamError `out-of-memory`.
   */
  load(matrix: PackedMatrix): LoadedMatrix;
  /**
   * activation(X · Wᵀ + bias), `[rows, outputs]`.
   *
   * @param x `[rows, inputs]`, row-major. A row with a NaN or an infinity gives numbers that are not finite.
   * @throws ArgumentError for sizes that do not fit and a matrix that was disposed of; OckhamError `out-of-memory`.
   */
  multiply(x: Float32Array, rows: number, matrix: LoadedMatrix, options?: MultiplyOptions): Float32Array;
}

const spaces = new WeakMap<object, KernelSpace>();
let own: Promise<KernelSpace> | undefined;

/**
 * Products in the memory of the wasm engine, if it is in use with our kernels, so that {@link quantizedMatMul} reads its tensors
 * where they are; otherwise in a memory of their own, which is made once.
 *
 * @example
 * const products = await quantizedProducts();
 * const w = products.load(packed); // [64, 512]
 * const y = products.multiply(x, 32, w, { bias, activation: 'relu', activations: 'int8' }); // [32, 64]
 * w.dispose();
 */
export async function quantizedProducts(): Promise<QuantizedProducts> {
  const space = engineSpace() ?? (await (own ??= ownSpace()));
  return {
    load: (matrix) => new LoadedMatrix(space, matrix),
    multiply,
  };
}

/** The memory of the wasm engine in use. */
export function engineSpace(): KernelSpace | undefined {
  const attached = kernelsOf(backend());
  if (!attached) return undefined;
  const known = spaces.get(attached);
  if (known) return known;
  const { kernels, memory, allocate, free, workspace } = attached;
  const space = { kernels, memory, allocate, free, workspace };
  spaces.set(attached, space);
  return space;
}

async function ownSpace(): Promise<KernelSpace> {
  const space = ownMemory();
  const kernels = bindKernels(await compileKernels(), space.memory);
  let [start, length] = [0, 0];
  return {
    ...space,
    kernels,
    workspace(bytes) {
      if (bytes > length) {
        space.free(start);
        length = 0;
        start = space.allocate(bytes);
        length = bytes;
      }
      return start;
    },
  };
}

/** {@link QuantizedProducts.multiply}. */
export function multiply(
  x: Float32Array,
  rows: number,
  matrix: LoadedMatrix,
  { bias, activation = 'linear', activations = 'float32' }: MultiplyOptions = {},
): Float32Array {
  const who = 'quantizedProducts.multiply';
  checkSizes(who, { rows });
  checkChoices(who, activation, activations);
  const { inputs, outputs, space } = matrix;
  checkArray(who, 'x', x, Float32Array, rows * inputs);
  if (bias) checkArray(who, 'bias', bias, Float32Array, outputs);
  matrix.places(who);
  const place = space.allocate(4 * (x.length + outputs + rows * outputs));
  try {
    const [plus, y] = [place + 4 * x.length, place + 4 * (x.length + outputs)];
    new Float32Array(space.memory.buffer, place, x.length).set(x);
    if (bias) new Float32Array(space.memory.buffer, plus, outputs).set(bias);
    runProduct(who, matrix, [rows, place, bias ? plus : 0, y], { activation, activations });
    return new Float32Array(space.memory.buffer, y, rows * outputs).slice();
  } finally {
    space.free(place);
  }
}

/** Throws an ArgumentError for a choice that there is not. */
export function checkChoices(who: string, activation: unknown, activations: unknown): void {
  const known = ['linear', 'relu', 'gelu', 'gelu-tanh'];
  if (!known.includes(activation as string))
    throw new ArgumentError(
      `${who}: activation must be one of ${known.join(', ')}, got ${String(activation)}. Apply another to the result.`,
    );
  if (activations !== 'float32' && activations !== 'int8')
    throw new ArgumentError(`${who}: activations must be float32 or int8, got ${String(activations)}.`);
}
