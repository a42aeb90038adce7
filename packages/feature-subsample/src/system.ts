/** The data of a least-squares problem, min ½‖Ax − b‖², where the kernels can reach it. */
import { ArgumentError, NonFiniteError } from '@ockham/core';
import { largeMemory } from '@ockham/core/comm';
import { eigh } from '@ockham/core/linalg/eigh';
import { bindGradientKernels } from './kernels/gradient-kernels.ts';
import { plainAddGradient, plainTimes } from './kernels/twin.ts';

/** A dense matrix, row by row, as of `@ockham/core/linalg`. */
export interface DenseMatrix {
  /** Number of rows: examples. */
  readonly rows: number;
  /** Number of columns: features. */
  readonly columns: number;
  /** `[rows, columns]`, row-major. */
  readonly values: Float64Array;
}

/** Samples as `[n, d]` values with their shape, or as rows of numbers. */
export type Samples = DenseMatrix | readonly (readonly number[])[];

/** A and b with the products that every method is made of. */
export interface LinearSystem {
  /** Rows of A. */
  readonly n: number;
  /** Columns of A, the features. */
  readonly d: number;
  /** `[n]`. */
  readonly b: Float64Array;
  /** `[d]`: Diag(AᵀA). */
  readonly diagonal: Float64Array;
  /** `[n, d]`, row-major. */
  readonly a: DenseMatrix;
  /** Ax, `[n]`. */
  times(x: Float64Array): Float64Array;
  /**
   * Aᵀ(Ax − b) over the rows [begin, end), `[d]`.
   *
   * @param homogeneous Take b as 0.
   */
  gradient(x: Float64Array, begin?: number, end?: number, homogeneous?: boolean): Float64Array;
  /** Ax − b, `[n]`, and Aᵀ(Ax − b), `[d]`, of one pass over A. */
  residualAndGradient(x: Float64Array): { readonly residual: Float64Array; readonly gradient: Float64Array };
  /** −Aᵀb, `[d]`: the gradient at 0, from the first call on kept. */
  gradientAtZero(): Float64Array;
}

/**
 * Checks A and b, and copies A to where the kernels read it.
 *
 * @param options.engine `wasm` where there is SIMD, else `plain`; both give the same bits. Default: what there is.
 * @throws ArgumentError where A and b do not fit, or a column is zero; NonFiniteError for NaN or infinity.
 */
export function linearSystem(
  A: Samples,
  b: ArrayLike<number>,
  options: { readonly engine?: 'wasm' | 'plain'; readonly who?: string } = {},
): LinearSystem {
  const { who = 'solve' } = options;
  const given = toDense(A, who);
  const { rows: n, columns: d } = given;
  if (b.length !== n) {
    throw new ArgumentError(
      `${who}: b must have one number for each row of A, ${n}, got ${b.length}. Is A transposed?`,
    );
  }
  const target = Float64Array.from(b);
  const bad = target.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new NonFiniteError(
      `${who}: every value of b must be finite, got ${target[bad]} at ${bad}. Remove the row.`,
    );
  const memory = options.engine === 'plain' ? undefined : makeMemory(8 * (n * d + 2 * n + 2 * d + 8));
  const kernels = memory && bindGradientKernels(memory);
  const place = (offset: number, length: number): Float64Array =>
    kernels ? new Float64Array(memory.buffer, offset, length) : new Float64Array(length);
  const values = kernels ? place(0, n * d) : given.values;
  if (values !== given.values) values.set(given.values);
  const diagonal = squaredNorms(values, n, d, who);
  const at = { x: 8 * n * d, out: 8 * (n * d + d), b: 8 * (n * d + 2 * d), rows: 8 * (n * d + 2 * d + n) };
  const [xs, outs, rows] = [place(at.x, d), place(at.out, d), place(at.rows, n)];
  if (kernels) place(at.b, n).set(target);
  let atZero: Float64Array | undefined;
  /** The gradient over the rows [begin, end); their residuals in `rows` where asked. */
  const addGradient = (
    x: Float64Array,
    begin: number,
    end: number,
    homogeneous: boolean,
    residuals: boolean,
  ): Float64Array => {
    xs.set(x);
    outs.fill(0);
    if (kernels) {
      const [a, from] = [8 * begin * d, homogeneous ? 0 : at.b + 8 * begin];
      kernels.addGradient(end - begin, d, a, at.x, from, at.out, residuals ? at.rows : 0);
    } else {
      const from = homogeneous ? undefined : target;
      plainAddGradient(
        end - begin,
        d,
        values,
        begin * d,
        xs,
        from,
        begin,
        outs,
        residuals ? rows : undefined,
      );
    }
    return outs.slice();
  };
  return {
    n,
    d,
    b: target,
    diagonal,
    a: { rows: n, columns: d, values },
    times(x) {
      xs.set(x);
      if (kernels) kernels.times(n, d, 0, at.x, at.rows);
      else plainTimes(n, d, values, 0, xs, rows);
      return rows.slice();
    },
    gradient(x, begin = 0, end = n, homogeneous = false) {
      return addGradient(x, begin, end, homogeneous, false);
    },
    residualAndGradient(x) {
      const gradient = addGradient(x, 0, n, false, true);
      return { residual: rows.slice(), gradient };
    },
    gradientAtZero() {
      atZero ??= addGradient(new Float64Array(d), 0, n, false, false);
      return atZero;
    },
  };
}

function makeMemory(bytes: number): WebAssembly.Memory | undefined {
  try {
    return largeMemory(bytes);
  } catch {
    return undefined; // more than an engine's 4 GB: in plain arrays then
  }
}

function toDense(A: Samples, who: string): DenseMatrix {
  if ('rows' in A) {
    if (!(A.rows >= 1 && A.columns >= 1 && A.values.length === A.rows * A.columns)) {
      throw new ArgumentError(
        `${who}: A must have rows × columns values, got ${A.rows} × ${A.columns} and ${A.values.length} of them.`,
      );
    }
    return A;
  }
  const d = A[0]?.length ?? 0;
  const ragged = A.findIndex((row) => row.length !== d);
  if (d === 0 || ragged >= 0) {
    throw new ArgumentError(
      `${who}: A must have at least one row and one column, all rows as long as the first (${d})` +
        (ragged >= 0 ? `, got ${A[ragged]!.length} in row ${ragged}.` : `, got ${A.length} rows.`),
    );
  }
  const values = new Float64Array(A.length * d);
  A.forEach((row, i) => values.set(row, i * d));
  return { rows: A.length, columns: d, values };
}

function squaredNorms(values: Float64Array, n: number, d: number, who: string): Float64Array {
  const norms = new Float64Array(d);
  for (let i = 0, p = 0; i < n; i++) {
    for (let j = 0; j < d; j++, p++) norms[j]! += values[p]! * values[p]!;
  }
  for (let j = 0; j < d; j++) {
    if (Number.isFinite(norms[j]) && norms[j]! > 0) continue;
    if (norms[j] === 0) {
      throw new ArgumentError(
        `${who}: column ${j} of A is zero, so its coefficient is not determined. Leave the feature out.`,
      );
    }
    const i = Array.from({ length: n }, (_, row) => row).find((row) => !Number.isFinite(values[row * d + j]));
    if (i === undefined)
      throw new ArgumentError(`${who}: column ${j} of A overflows when squared. Scale it.`);
    throw new NonFiniteError(
      `${who}: every value of A must be finite, got ${values[i * d + j]} in row ${i}, column ${j}. Remove the row or the feature.`,
    );
  }
  return norms;
}

/** The extreme eigenvalues of AᵀA, the smallest of those that are not zero. */
export interface Spectrum {
  /** σ_max². Never below the true one by more than rounding. */
  readonly largest: number;
  /** The smallest that is not zero, null where it was not computed (a side above 1,500). */
  readonly smallest: number | null;
  /** How many are not zero; null as above. */
  readonly rank: number | null;
}

/** Exactly, by the Gram matrix of the smaller side up to 1,500; above, an upper bound of the largest by Lanczos steps. */
export function spectrum(system: LinearSystem): Spectrum {
  const { n, d, a } = system;
  const side = Math.min(n, d);
  if (side > 1500)
    return {
      largest: largestEigenvalue(d, (x) => system.gradient(x, 0, n, true)),
      smallest: null,
      rank: null,
    };
  const { values } = eigh({ rows: side, columns: side, values: gram(a, n < d) });
  const largest = values[side - 1]!;
  const floor = largest * Math.max(n, d) * Number.EPSILON;
  const first = values.findIndex((value) => value > floor);
  return { largest, smallest: values[first]!, rank: side - first };
}

/** AᵀA, or AAᵀ with `outer`. */
export function gram({ rows, columns, values }: DenseMatrix, outer = false): Float64Array {
  const side = outer ? rows : columns;
  const made = new Float64Array(side * side);
  if (outer) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        for (let p = i * columns, q = j * columns, end = p + columns; p < end; p++, q++)
          sum += values[p]! * values[q]!;
        made[i * side + j] = made[j * side + i] = sum;
      }
    }
    return made;
  }
  for (let i = 0; i < rows; i++) {
    const row = values.subarray(i * columns, (i + 1) * columns);
    for (let j = 0; j < columns; j++) {
      const weight = row[j]!;
      if (weight === 0) continue;
      for (let l = 0, p = j * columns; l <= j; l++) made[p + l]! += weight * row[l]!;
    }
  }
  for (let j = 0; j < columns; j++)
    for (let l = 0; l < j; l++) made[l * columns + j] = made[j * columns + l]!;
  return made;
}

/** An upper bound of the largest eigenvalue of a symmetric product, tight after `steps` Lanczos steps. */
export function largestEigenvalue(d: number, product: (x: Float64Array) => Float64Array, steps = 40): number {
  const basis: Float64Array[] = [];
  const m = Math.min(steps, d);
  const T = new Float64Array(m * m);
  let v = Float64Array.from({ length: d }, (_, i) => 1 + 0.5 * Math.sin(12.9898 * (i + 1)));
  let length = Math.hypot(...[Math.sqrt(v.reduce((sum, value) => sum + value * value, 0))]);
  let size = 0;
  for (; size < m && length > 1e-300; size++) {
    const q = v.map((value) => value / length);
    basis.push(q);
    v = Float64Array.from(product(q));
    for (let pass = 0; pass < 2; pass++) {
      basis.forEach((old, i) => {
        let along = 0;
        for (let j = 0; j < d; j++) along += old[j]! * v[j]!;
        if (i === size) T[i * m + i]! += along;
        for (let j = 0; j < d; j++) v[j]! -= along * old[j]!;
      });
    }
    length = Math.sqrt(v.reduce((sum, value) => sum + value * value, 0));
    if (length <= 1e-13 * Math.abs(T[0]!)) {
      size++;
      break;
    }
    if (size + 1 < m) T[size * m + size + 1] = T[(size + 1) * m + size] = length;
  }
  const small = new Float64Array(size * size);
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) small[i * size + j] = T[i * m + j]!;
  const { values, vectors } = eigh({ rows: size, columns: size, values: small });
  const residual = length * Math.abs(vectors.values[(size - 1) * size + size - 1]!);
  return values[size - 1]! + residual;
}
