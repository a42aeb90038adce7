/** Matrices of low rank of which some entries are seen, some of them with gross errors. */
import { ArgumentError } from '@ockham/core';
import { matrix, multiply, qr, type Matrix } from '@ockham/core/linalg/matrices';
import { toRandom, type Seed } from '@ockham/core/random';
import { normal } from './problem.ts';

/** Entries of a matrix that are known. */
export interface ObservedEntries {
  /** Rows of the matrix. */
  readonly rows: number;
  /** Columns of the matrix. */
  readonly columns: number;
  /** Where each entry is, from 0; no place twice. */
  readonly row: Int32Array;
  /** See {@link ObservedEntries.row}. */
  readonly column: Int32Array;
  /** What stands there. */
  readonly value: Float64Array;
}

/** Entries of a matrix that is known in full. */
export interface CompletionProblem extends ObservedEntries {
  /** `[rows, columns]`, without errors. */
  readonly truth: Matrix;
}

/** Options of {@link completionProblem}. */
export interface CompletionProblemOptions {
  /** Fixes the problem: the same seed gives the same matrix and entries. */
  readonly seed: Seed;
  /** From 1. Default 100. */
  readonly rows?: number;
  /** From 1. Default 100. */
  readonly columns?: number;
  /** r, in [1, min(rows, columns)]. Default 5. */
  readonly rank?: number;
  /** Share of the entries that are seen, in (0, 1]. Default 0.3. */
  readonly observed?: number;
  /** Singular values from their number i = 1 … r, above 0. Default all 1. */
  readonly spectrum?: (i: number) => number;
  /** Share of what is seen that has a gross error, in [0, 0.5). Default 0. */
  readonly corrupted?: number;
}

/**
 * A random matrix of low rank, seen at random places.
 *
 * @throws ArgumentError for an option outside its range.
 *
 * @example
 * const problem = completionProblem({ seed: 1, observed: 0.4, corrupted: 0.1 });
 */
export function completionProblem(options: CompletionProblemOptions): CompletionProblem {
  const { rows = 100, columns = 100, rank = 5, observed = 0.3, spectrum = () => 1, corrupted = 0 } = options;
  for (const [name, value] of Object.entries({ rows, columns })) {
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw new ArgumentError(`completionProblem: ${name} must be a whole number from 1, got ${value}.`);
  }
  const most = Math.min(rows, columns);
  if (!(Number.isInteger(rank) && rank >= 1 && rank <= most)) {
    throw new ArgumentError(
      `completionProblem: rank must be a whole number in [1, min(rows, columns)] = [1, ${most}], got ${rank}.`,
    );
  }
  if (!(observed > 0 && observed <= 1))
    throw new ArgumentError(`completionProblem: observed must be in (0, 1], got ${observed}.`);
  if (!(corrupted >= 0 && corrupted < 0.5))
    throw new ArgumentError(`completionProblem: corrupted must be in [0, 0.5), got ${corrupted}.`);
  const random = toRandom(options.seed);
  const { q: left } = qr(normal(rows, rank, random.stream('left')));
  const { q: right } = qr(normal(columns, rank, random.stream('right')));
  const scaled = matrix(
    rows,
    rank,
    left.values.map((value, at) => value * spectrum((at % rank) + 1)),
  );
  const truth = multiply(scaled, right, { transposeB: true });
  const count = Math.max(1, Math.round(observed * rows * columns));
  const places = random
    .stream('places')
    .sample(rows * columns, count)
    .sort();
  const value = Float64Array.from(places, (at) => truth.values[at]!);
  const errors = random.stream('corrupted');
  const size = Math.sqrt(truth.values.reduce((sum, v) => sum + v * v, 0) / truth.values.length);
  for (const at of errors.sample(count, Math.round(corrupted * count)))
    value[at] = 10 * size * errors.normal();
  return {
    rows,
    columns,
    row: places.map((at) => Math.floor(at / columns)),
    column: places.map((at) => at % columns),
    value,
    truth,
  };
}
