import { ArgumentError, NonFiniteError } from '../errors.ts';
import { block, transposed } from './add-product.ts';
import type { Block } from './add-product.ts';
import { product } from './product.ts';

/** A dense matrix of 64-bit numbers, row by row: element (i, j) is `values[i * columns + j]`. */
export interface Matrix {
  /** From 1. */
  readonly rows: number;
  /** From 1. */
  readonly columns: number;
  /** `[rows, columns]`, row-major, without gaps. */
  readonly values: Float64Array;
}

/**
 * A matrix from its shape and values.
 *
 * @param values `rows * columns` numbers, row by row. A `Float64Array` is kept, not copied; anything else is copied.
 *   Default: zeros.
 * @throws ArgumentError where the shape is not two whole numbers from 1, or does not fit the values.
 *
 * @example
 * import { matrix } from '@ockham/core/linalg';
 *
 * const a = matrix(2, 3, [1, 2, 3, 4, 5, 6]);
 */
export function matrix(rows: number, columns: number, values?: ArrayLike<number>): Matrix {
  const made: Matrix = {
    rows,
    columns,
    values:
      values instanceof Float64Array
        ? values
        : values === undefined
          ? new Float64Array(checkedSize('linalg.matrix', rows, columns))
          : Float64Array.from(values),
  };
  checkShape('linalg.matrix', 'the matrix', made);
  return made;
}

/** The identity `[n, n]`. */
export function identity(n: number): Matrix {
  const made = matrix(n, n);
  for (let i = 0; i < n; i++) made.values[i * n + i] = 1;
  return made;
}

/** A copy of `a` with rows and columns exchanged. */
export function transpose(a: Matrix): Matrix {
  checkShape('linalg.transpose', 'a', a);
  const { rows, columns, values } = a;
  const made = new Float64Array(values.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0, from = i * columns, to = i; j < columns; j++, from++, to += rows) {
      made[to] = values[from]!;
    }
  }
  return { rows: columns, columns: rows, values: made };
}

/** Options of {@link multiply}. */
export interface MultiplyOptions {
  /** Take the transpose of the first operand. Default false. */
  readonly transposeA?: boolean;
  /** Take the transpose of the second operand. Default false. */
  readonly transposeB?: boolean;
}

/**
 * The product of two matrices, either of them transposed on request. NaN and infinities propagate.
 *
 * @throws ArgumentError where the inner sizes differ.
 */
export function multiply(a: Matrix, b: Matrix, options: MultiplyOptions = {}): Matrix {
  const { transposeA = false, transposeB = false } = options;
  checkShape('linalg.multiply', 'a', a);
  checkShape('linalg.multiply', 'b', b);
  const [m, k] = transposeA ? [a.columns, a.rows] : [a.rows, a.columns];
  const [inner, n] = transposeB ? [b.columns, b.rows] : [b.rows, b.columns];
  if (k !== inner) {
    throw new ArgumentError(
      `linalg.multiply: the inner sizes must agree, got [${m}, ${k}] times [${inner}, ${n}]. ` +
        'Transpose one with transposeA or transposeB.',
    );
  }
  const values = product(m, n, k, blockOf(a, transposeA), blockOf(b, transposeB));
  return { rows: m, columns: n, values };
}

function blockOf({ values, columns }: Matrix, turned: boolean): Block {
  return turned ? transposed(block(values, 0, columns)) : block(values, 0, columns);
}

/** @throws ArgumentError where `a` is no matrix: wrong shape, or values of another length or type. */
export function checkShape(who: string, name: string, a: Matrix): void {
  const size = checkedSize(who, a.rows, a.columns);
  if (!(a.values instanceof Float64Array) || a.values.length !== size) {
    const got = a.values instanceof Float64Array ? `${a.values.length} of them` : typeof a.values;
    throw new ArgumentError(
      `${who}: the values of ${name} must be a Float64Array of ${a.rows} × ${a.columns} = ${size} numbers, got ${got}. ` +
        'Make it with matrix(rows, columns, values).',
    );
  }
}

/**
 * What every factorisation checks at the door.
 *
 * @throws ArgumentError where the values are not as many as the shape says; NonFiniteError for the first NaN or infinity.
 */
export function checkFinite(who: string, name: string, a: Matrix): void {
  checkShape(who, name, a);
  const { values, columns } = a;
  let probe = 0;
  // 0 times a finite number is 0
  for (let i = 0; i < values.length; i++) probe += 0 * values[i]!;
  if (probe === 0) return;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw new NonFiniteError(
        `${who}: every value of ${name} must be finite, got ${values[i]} in row ${Math.floor(i / columns)}, ` +
          `column ${i % columns}. Remove it, or find where it came from.`,
      );
    }
  }
}

/** @throws ArgumentError where `a` is not square. */
export function checkSquare(who: string, name: string, a: Matrix): void {
  if (a.rows !== a.columns) {
    throw new ArgumentError(`${who}: ${name} must be square, got [${a.rows}, ${a.columns}].`);
  }
}

function checkedSize(who: string, rows: number, columns: number): number {
  if (!(Number.isSafeInteger(rows) && Number.isSafeInteger(columns) && rows >= 1 && columns >= 1)) {
    throw new ArgumentError(
      `${who}: rows and columns must be whole numbers from 1, got [${rows}, ${columns}].`,
    );
  }
  return rows * columns;
}
