/**
 * Householder reflectors H_r = I − τ_r v_r v_rᵀ, and their products applied in blocks: H_0 … H_{b−1} = I − V T Vᵀ
 * with T upper triangular (Schreiber and Van Loan 1989), so that nearly all the work is matrix products.
 */
import { addProduct, block, transposed } from './add-product.ts';
import type { Block } from './add-product.ts';
import { allocate, reserve, withArena } from './arena.ts';

/** Reflectors of one factorisation. Vector r has zeros before index `r + shift` and a one there. */
export interface Reflectors {
  /** `[count, length]`: vector r is the r-th row. */
  readonly vectors: Float64Array;
  readonly taus: Float64Array;
  readonly count: number;
  readonly length: number;
  readonly shift: number;
}

/** How many reflectors are applied as one product. */
export const blockSize = 32;

export function makeReflectors(count: number, length: number, shift: number): Reflectors {
  return {
    vectors: allocate(count * length),
    taus: allocate(count),
    count,
    length,
    shift,
  };
}

// Sums of squares below this have lost digits to underflow.
const smallSum = 1e-280;

/**
 * Turns `x = values[offset …]` into the vector v of the reflector that maps x to `(β, 0, …, 0)`; v starts with 1.
 *
 * @returns β; τ goes to `taus[r]`, 0 where x has nothing to remove
 */
export function reflect(
  values: Float64Array,
  offset: number,
  length: number,
  taus: Float64Array,
  r: number,
): number {
  const end = offset + length;
  const alpha = values[offset]!;
  let sum = 0;
  for (let i = offset + 1; i < end; i++) sum += values[i]! * values[i]!;
  if (sum + alpha * alpha < smallSum) {
    let largest = Math.abs(alpha);
    for (let i = offset + 1; i < end; i++) largest = Math.max(largest, Math.abs(values[i]!));
    if (largest > 0 && largest < 1e-100) {
      const lift = largest < 1e-200 ? 2 ** 900 : 2 ** 400;
      for (let i = offset; i < end; i++) values[i]! *= lift;
      return reflect(values, offset, length, taus, r) / lift;
    }
  }
  values[offset] = 1;
  if (sum === 0) {
    taus[r] = 0;
    // what underflowed is lost beside alpha, and must not stay in v
    values.fill(0, offset + 1, end);
    return alpha;
  }
  const norm = Math.sqrt(alpha * alpha + sum);
  const beta = alpha > 0 ? -norm : norm;
  const scale = 1 / (alpha - beta);
  for (let i = offset + 1; i < end; i++) values[i]! *= scale;
  taus[r] = (beta - alpha) / beta;
  return beta;
}

/** What {@link applyReflectors} does with the reflectors. */
export interface ApplyOptions {
  /** `H_{k−1} … H_0` in place of `H_0 … H_{k−1}`. */
  readonly transpose?: boolean;
  /** The first reflector to apply, and the one after the last. */
  readonly from?: number;
  readonly to?: number;
  /** Row i of the matrix has zeros before column i, as an identity has: leave them out. */
  readonly triangular?: boolean;
}

/**
 * Applies the product of the reflectors from the left to columns `firstColumn … columns − 1` of a row-major matrix
 * `[length, columns]`, in place.
 */
export function applyReflectors(
  reflectors: Reflectors,
  values: Float64Array,
  columns: number,
  firstColumn: number,
  options: ApplyOptions = {},
): void {
  const { transpose = false, from = 0, to = reflectors.count } = options;
  const blocks = Math.ceil((to - from) / blockSize);
  const width = columns - firstColumn;
  withArena(2 * blockSize * (blockSize + width), () => {
    const scratch: Scratch = {
      T: allocate(blockSize * blockSize),
      gram: reserve(blockSize * blockSize),
      W: reserve(blockSize * width),
      TW: reserve(blockSize * width),
    };
    for (let b = 0; b < blocks; b++) {
      const first = from + (transpose ? b : blocks - 1 - b) * blockSize;
      const size = Math.min(blockSize, to - first);
      applyBlock(reflectors, first, size, values, columns, firstColumn, options, scratch);
    }
  });
}

/** What {@link applyReflectors} works in: `[32, 32]` twice, and `[32, columns]` twice. */
interface Scratch {
  readonly T: Float64Array;
  readonly gram: Float64Array;
  readonly W: Float64Array;
  readonly TW: Float64Array;
}

function applyBlock(
  { vectors, taus, length, shift }: Reflectors,
  first: number,
  size: number,
  values: Float64Array,
  columns: number,
  firstColumn: number,
  { transpose = false, triangular = false }: ApplyOptions,
  { T, gram, W, TW }: Scratch,
): void {
  const start = first + shift;
  const column = triangular ? Math.max(firstColumn, start) : firstColumn;
  const active = length - start;
  const n = columns - column;
  if (active <= 0 || n <= 0) return;
  const Vt = block(vectors, first * length + start, length); // [size, active]
  formT(T, gram, Vt, active, taus, first, size);
  W.fill(0, 0, size * n);
  TW.fill(0, 0, size * n);
  const below = block(values, start * columns + column, columns);
  addProduct(size, n, active, 1, Vt, below, W, 0, n);
  const left = block(T, 0, size);
  addProduct(size, n, size, 1, transpose ? transposed(left) : left, block(W, 0, n), TW, 0, n);
  addProduct(active, n, size, -1, transposed(Vt), block(TW, 0, n), values, below.offset, columns);
}

/** T of the block: `T_jj = τ_j`, and column j above it is `−τ_j T Vᵀv_j`. */
function formT(
  T: Float64Array,
  gram: Float64Array,
  Vt: Block,
  active: number,
  taus: Float64Array,
  first: number,
  size: number,
): void {
  gram.fill(0);
  addProduct(size, size, active, 1, Vt, transposed(Vt), gram, 0, size);
  T.fill(0);
  for (let j = 0; j < size; j++) {
    const tau = taus[first + j]!;
    T[j * size + j] = tau;
    for (let i = 0; i < j; i++) {
      let sum = 0;
      for (let l = i; l < j; l++) sum += T[i * size + l]! * gram[l * size + j]!;
      T[i * size + j] = -tau * sum;
    }
  }
}
