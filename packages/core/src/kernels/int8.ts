/**
 * Products of int8 matrices with int32 sums: symmetric quantisation with one scale for each row of both operands, that is one for
 * each output channel of a weight held as `[outputs, inputs]`, as in Jacob et al. 2018 with zero points of 0.
 *
 * A product of two values is at most 2¹⁴ in absolute value, so that a sum of k ≤ {@link INT8_MAX_DEPTH} = 131,071 of them fits in
 * int32 whatever the values; more are refused.
 */
import { ArgumentError, NonFiniteError } from '../errors.ts';
import { checkArray, checkSizes } from './check-arrays.ts';
import { bindKernels, compileKernels } from './compile.ts';
import type { Kernels } from './kernels.ts';

/** The longest rows that can be multiplied: ⌊(2³¹ − 1) / 2¹⁴⌋. */
export const INT8_MAX_DEPTH = 131_071;

/** An int8 matrix with a scale for each row: row i stands for `values · scales[i]`. */
export interface QuantisedRows {
  /** Number of rows. */
  readonly rows: number;
  /** Number of columns. */
  readonly columns: number;
  /** `[rows, columns]`, row-major. */
  readonly values: Int8Array;
  /** `[rows]`, finite and ≥ 0. */
  readonly scales: Float32Array;
}

/** Options of {@link Int8Products.matMul}. */
export interface Int8MatMulOptions {
  /** Added to each row of the result, `[b.rows]`. Default none. */
  readonly bias?: Float32Array;
  /** Cut off below 0. Default false. */
  readonly relu?: boolean;
}

/** Products of int8 matrices in a memory of their own, which grows with the largest and is free once this is. */
export interface Int8Products {
  /**
   * The int32 sums A · Bᵀ, `[m, n]`, exactly.
   *
   * @param a `[m, k]`, row-major.
   * @param b `[n, k]`, row-major: the transpose of a kernel of a dense layer.
   * @throws ArgumentError for sizes that do not fit, k > {@link INT8_MAX_DEPTH} or more than WebAssembly can address.
   */
  accumulate(a: Int8Array, b: Int8Array, sizes: readonly [m: number, n: number, k: number]): Int32Array;
  /**
   * A · Bᵀ + bias as float32, `[a.rows, b.rows]`: the int32 sums, times the scale of B's row, times that of A's.
   *
   * @throws ArgumentError as {@link Int8Products.accumulate}, and for scales that are negative or not finite.
   */
  matMul(a: QuantisedRows, b: QuantisedRows, options?: Int8MatMulOptions): Float32Array;
}

/**
 * The rows of a float32 matrix in int8: scale = max |x| / 127, value = x / scale rounded to the nearest, halves away from 0. A row
 * of zeros has scale 0.
 *
 * @param x `[rows, columns]`, row-major. For a kernel of a dense layer, `[inputs, outputs]`, give its transpose.
 * @throws ArgumentError if the sizes do not fit, NonFiniteError for NaN and infinity.
 *
 * @example
 * const [a, b] = [quantiseRows(x, [32, 512]), quantiseRows(weights, [64, 512])];
 * const y = (await int8Products()).matMul(a, b, { bias, relu: true }); // [32, 64]
 */
export function quantiseRows(
  x: Float32Array,
  [rows, columns]: readonly [rows: number, columns: number],
): QuantisedRows {
  checkSizes('quantiseRows', { rows, columns });
  checkArray('quantiseRows', 'x', x, Float32Array, rows * columns);
  const values = new Int8Array(rows * columns);
  const scales = new Float32Array(rows);
  for (let r = 0; r < rows; r++) {
    const row = x.subarray(r * columns, (r + 1) * columns);
    let most = 0;
    for (const [c, value] of row.entries()) {
      if (!Number.isFinite(value))
        throw new NonFiniteError(
          `quantiseRows: x must be finite, got ${value} at row ${r}, column ${c}. Clip it first.`,
        );
      most = Math.max(most, Math.abs(value));
    }
    const scale = Math.fround(most / 127);
    if (scale === 0) continue; // nothing, or too small for a scale
    scales[r] = scale;
    for (const [c, value] of row.entries()) {
      const size = Math.min(127, Math.floor(Math.abs(value) / scale + 0.5));
      values[r * columns + c] = value < 0 ? -size : size;
    }
  }
  return { rows, columns, values, scales };
}

/** The float32 matrix that quantised rows stand for. */
export function dequantiseRows({ columns, values, scales }: QuantisedRows): Float32Array {
  return Float32Array.from(values, (value, i) => value * scales[Math.floor(i / columns)]!);
}

/** Compiles the kernels, once, and gives them a memory. */
export async function int8Products(): Promise<Int8Products> {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: PAGES });
  const kernels = bindKernels(await compileKernels(), memory);
  return {
    accumulate: (a, b, sizes) => accumulate(kernels, memory, a, b, sizes),
    matMul: (a, b, options) => matMul(kernels, memory, a, b, options),
  };
}

/** Of 64 KB, all that WebAssembly can address. */
const PAGES = 65_536;

function accumulate(
  kernels: Kernels,
  memory: WebAssembly.Memory,
  a: Int8Array,
  b: Int8Array,
  [m, n, k]: readonly [m: number, n: number, k: number],
): Int32Array {
  checkOperands('int8.accumulate', a, b, [m, n, k]);
  const placed = place('int8.accumulate', kernels, memory, a, b, [m, n]);
  kernels.int8Gemm(m, n, k, placed.a, k, placed.b, k, placed.c, placed.workspace);
  return new Int32Array(memory.buffer, placed.c, m * n).slice();
}

function matMul(
  kernels: Kernels,
  memory: WebAssembly.Memory,
  a: QuantisedRows,
  b: QuantisedRows,
  { bias, relu = false }: Int8MatMulOptions = {},
): Float32Array {
  const who = 'int8.matMul';
  const [m, n, k] = [a.rows, b.rows, a.columns];
  if (b.columns !== k)
    throw new ArgumentError(
      `${who}: a and b must have rows of the same length, got ${k} and ${b.columns}. b is [outputs, inputs].`,
    );
  checkOperands(who, a.values, b.values, [m, n, k]);
  for (const [name, { scales, rows }] of Object.entries({ a, b })) {
    checkArray(who, `the scales of ${name}`, scales, Float32Array, rows);
    const bad = scales.findIndex((scale) => !(scale >= 0 && scale < Infinity));
    if (bad >= 0)
      throw new ArgumentError(
        `${who}: the scales of ${name} must be finite and ≥ 0, got ${scales[bad]} for row ${bad}. Quantise with quantiseRows.`,
      );
  }
  if (bias) checkArray(who, 'bias', bias, Float32Array, n);
  const placed = place(who, kernels, memory, a.values, b.values, [m, n]);
  const put = (at: number, values: Float32Array): number => {
    new Float32Array(memory.buffer, at, values.length).set(values);
    return at;
  };
  kernels.int8Gemm(m, n, k, placed.a, k, placed.b, k, placed.c, placed.workspace);
  kernels.int8Finish(
    ...([m, n, placed.c, put(placed.floats, a.scales), put(placed.floats + 4 * m, b.scales)] as const),
    ...([bias ? put(placed.floats + 4 * (m + n), bias) : 0, relu ? 0 : -Infinity, Infinity] as const),
    placed.c,
  );
  return new Float32Array(memory.buffer, placed.c, m * n).slice();
}

/** Copies both operands in; `floats` has room for the scales and the bias. */
function place(
  who: string,
  kernels: Kernels,
  memory: WebAssembly.Memory,
  a: Int8Array,
  b: Int8Array,
  [m, n]: readonly [m: number, n: number],
) {
  let next = 16;
  const reserve = (bytes: number): number => {
    const at = next;
    next += 16 * Math.ceil(bytes / 16);
    return at;
  };
  const placed = {
    a: reserve(a.length + 16),
    b: reserve(b.length + 16),
    c: reserve(4 * m * n),
    floats: reserve(4 * (m + 2 * n)),
    workspace: reserve(kernels.int8WorkspaceBytes()),
  };
  const pages = Math.ceil(next / 65_536);
  const present = memory.buffer.byteLength / 65_536;
  const refuse = (cause?: unknown): never => {
    throw new ArgumentError(
      `${who}: the product needs ${next} bytes, more than WebAssembly can address or get. Multiply fewer rows at a time.`,
      { cause },
    );
  };
  if (pages > PAGES) refuse();
  if (pages > present) {
    try {
      memory.grow(pages - present);
    } catch (error) {
      refuse(error);
    }
  }
  new Int8Array(memory.buffer, placed.a, a.length).set(a);
  new Int8Array(memory.buffer, placed.b, b.length).set(b);
  return placed;
}

function checkOperands(
  who: string,
  a: Int8Array,
  b: Int8Array,
  [m, n, k]: readonly [m: number, n: number, k: number],
): void {
  checkSizes(who, { m, n, k });
  if (k > INT8_MAX_DEPTH)
    throw new ArgumentError(
      `${who}: k must be at most ${INT8_MAX_DEPTH}, so that int32 holds every sum, got ${k}. Split the rows and add the parts as floats.`,
    );
  checkArray(who, 'a', a, Int8Array, m * k);
  checkArray(who, 'b', b, Int8Array, n * k);
}
