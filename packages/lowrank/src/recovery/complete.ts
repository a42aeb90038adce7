/**
 * Matrix completion by robust alternating minimisation (Jain, Netrapalli and Sanghavi 2013; Gu, Song, Yin and Zhang 2023): the rows
 * of U by least squares for fixed V, then those of V for fixed U, each orthonormalised before it is used, from the leading singular
 * vectors of what is seen.
 *
 * Robust to gross errors: an entry whose misfit ε is above c = 2 × 1.4826 × the median misfit counts c²/ε² times. c falls with the
 * misfits, and with it all influence of wrong entries, so that the answer is exact where the rest determines it; but by a factor of
 * 0.7 a round at most, so that a row that lags behind is not taken for errors.
 *
 * Deviations: rows are solved exactly, where Gu et al. sketch them; no samples are held back for each round.
 */
import { ArgumentError, NonFiniteError, throwIfAborted, type Progress } from '@ockham/core';
import { cholesky, choleskySolve, matrix, multiply, qr, type Matrix } from '@ockham/core/linalg/matrices';
import { toRandom, type Seed } from '@ockham/core/random';
import type { CompletionProblem, ObservedEntries } from './completion-problem.ts';
import { minus, squares } from './least-squares.ts';
import type { Factors } from './methods/method.ts';
import { normal } from './problem.ts';

/** Options of {@link complete}. */
export interface CompleteOptions {
  /** r in [1, min(rows, columns)]; every row and column needs at least r entries. */
  readonly rank: number;
  /** Converged is where a round changes what is seen by at most this share of its size. In (0, 1). Default 1e-10. */
  readonly tolerance?: number;
  /** Most rounds, from 1. Default 500. */
  readonly rounds?: number;
  /** Whether entries that do not fit lose their weight. Default true. */
  readonly robust?: boolean;
  /** Of the start. Default 0. */
  readonly seed?: Seed;
  /** Told how far the work has come. Default: nobody is. */
  readonly progress?: Progress;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal;
}

/** One round of {@link complete}. */
export interface CompletionRecord {
  /** From 1. */
  readonly round: number;
  /** Root of the weighted mean square misfit of what is seen, relative to the size of what is seen. */
  readonly residual: number;
  /** How far the round moved the matrix where it is seen, relative to the size of what is seen. */
  readonly change: number;
  /** ‖W − W*‖/‖W*‖ where the problem brings W*, else null. */
  readonly error: number | null;
}

/** What {@link complete} resolves to. */
export interface Completion {
  /** `[rows, columns]`. */
  readonly W: Matrix;
  /** W = A Bᵀ; B has orthonormal columns. */
  readonly factors: Factors;
  /** How the fit went. */
  readonly history: readonly CompletionRecord[];
  /** Of each entry, in (0, 1]: how far it was believed. */
  readonly weights: Float64Array;
  /** `rounds` where the rounds ran out. */
  readonly status: 'converged' | 'rounds';
  /** In words. */
  readonly warnings: readonly string[];
}

/**
 * Fills in a matrix of low rank from some of its entries.
 *
 * @throws ArgumentError for options or places that do not fit, and for a row or column with fewer entries than the rank;
 *   NonFiniteError for NaN or infinity; AbortedError.
 *
 * @example
 * const { W } = await complete(completionProblem({ seed: 1 }), { rank: 5 });
 */
export async function complete(
  entries: ObservedEntries | CompletionProblem,
  options: CompleteOptions,
): Promise<Completion> {
  const { rank, tolerance = 1e-10, rounds = 500, robust = true, seed = 0, progress, signal } = options;
  checkCompletion(entries, options);
  throwIfAborted(signal, 'complete');
  const { value } = entries;
  const size = Math.sqrt(squares({ values: value }) / value.length);
  if (size === 0) throw new ArgumentError('complete: some entry must not be 0, got zeros only.');
  const byRow = listsOf(entries.row, entries.rows);
  const byColumn = listsOf(entries.column, entries.columns);
  const weights = new Float64Array(value.length).fill(1);
  let c = robust ? reweigh(weights, value, 0) : 0;
  let B = leadingVectors(entries, rank, weights, seed);
  let A = solveRows(byRow, entries.column, entries, B, weights);
  let misfit = misfits(entries, A, B);
  const history: CompletionRecord[] = [];
  let converged = false;
  for (let round = 1; round <= rounds && !converged; round++) {
    const before = misfit;
    if (robust) c = reweigh(weights, misfit, 0.7 * c);
    const { q: U } = qr(A);
    ({ q: B } = qr(solveRows(byColumn, entries.row, entries, U, weights)));
    A = solveRows(byRow, entries.column, entries, B, weights);
    misfit = misfits(entries, A, B);
    let [sum, total] = [0, 0];
    for (const [at, w] of weights.entries()) {
      sum += w * misfit[at]! ** 2;
      total += w;
    }
    const moved = before.map((former, at) => former - misfit[at]!);
    const change = Math.sqrt(squares({ values: moved }) / value.length) / size;
    const error = 'truth' in entries ? errorOf({ A, B }, entries.truth) : null;
    history.push({ round, residual: Math.sqrt(sum / total) / size, change, error });
    progress?.({ stage: 'complete', done: round, total: rounds, metrics: { change } });
    converged = change <= tolerance;
    await new Promise((resolve) => setTimeout(resolve)); // lets signals and timers in
    throwIfAborted(signal, `complete (round ${round})`);
  }
  return {
    W: multiply(A, B, { transposeB: true }),
    factors: { A, B },
    history,
    weights,
    status: converged ? 'converged' : 'rounds',
    warnings: converged
      ? []
      : [`complete: not converged in ${rounds} rounds. Give it more, or more entries.`],
  };
}

function checkCompletion(entries: ObservedEntries, options: CompleteOptions): void {
  const { rows, columns, row, column, value } = entries;
  const { rank, tolerance = 1e-10, rounds = 500 } = options;
  matrix(rows, columns); // refuses what is no shape
  if (row.length !== value.length || column.length !== value.length || value.length === 0) {
    throw new ArgumentError(
      `complete: row, column and value must be of one length, from 1, got ${row.length}, ${column.length} and ${value.length}.`,
    );
  }
  const most = Math.min(rows, columns);
  if (!(Number.isInteger(rank) && rank >= 1 && rank <= most)) {
    throw new ArgumentError(
      `complete: rank must be a whole number in [1, min(rows, columns)] = [1, ${most}], got ${rank}.`,
    );
  }
  if (!(tolerance > 0 && tolerance < 1))
    throw new ArgumentError(`complete: tolerance must be in (0, 1), got ${tolerance}.`);
  if (!(Number.isSafeInteger(rounds) && rounds >= 1))
    throw new ArgumentError(`complete: rounds must be a whole number from 1, got ${rounds}.`);
  const seen = new Set<number>();
  const counts = { row: new Int32Array(rows), column: new Int32Array(columns) };
  for (let at = 0; at < value.length; at++) {
    const [i, j] = [row[at]!, column[at]!];
    if (!(i >= 0 && i < rows && j >= 0 && j < columns))
      throw new ArgumentError(`complete: entry ${at} must lie in [${rows}, ${columns}], got (${i}, ${j}).`);
    if (!Number.isFinite(value[at]))
      throw new NonFiniteError(
        `complete: values must be finite, got ${value[at]} at (${i}, ${j}). Leave it out.`,
      );
    if (seen.has(i * columns + j))
      throw new ArgumentError(
        `complete: no place may come twice, got (${i}, ${j}) again. Average them first.`,
      );
    seen.add(i * columns + j);
    counts.row[i]!++;
    counts.column[j]!++;
  }
  for (const name of ['row', 'column'] as const) {
    const short = counts[name].findIndex((count) => count < rank);
    if (short < 0) continue;
    throw new ArgumentError(
      `complete: every ${name} needs at least ${rank} entries, one for each of the rank, got ${counts[name][short]} in ${name} ${short}. Leave it out, or lower rank.`,
    );
  }
}

/** The entries of each row, or of each column. */
function listsOf(of: Int32Array, count: number): number[][] {
  const lists: number[][] = Array.from({ length: count }, () => []);
  for (const [at, i] of of.entries()) lists[i]!.push(at);
  return lists;
}

/** Right singular vectors of the matrix of what is seen, by subspace iteration over the entries alone. */
function leadingVectors(
  { rows, columns, row, column, value }: ObservedEntries,
  rank: number,
  weights: Float64Array,
  seed: Seed,
): Matrix {
  const times = (to: number, into: Int32Array, from: Int32Array, a: Matrix): Matrix => {
    const made = matrix(to, rank);
    for (let at = 0; at < value.length; at++) {
      const [i, j, w] = [into[at]! * rank, from[at]! * rank, weights[at]! * value[at]!];
      for (let k = 0; k < rank; k++) made.values[i + k]! += w * a.values[j + k]!;
    }
    return made;
  };
  let { q } = qr(normal(columns, rank, toRandom(seed).stream('complete')));
  for (let i = 0; i < 10; i++) {
    const { q: left } = qr(times(rows, row, column, q));
    ({ q } = qr(times(columns, column, row, left)));
  }
  return q;
}

/** For each list of entries the least-squares row x, Σ w (value − x·other)² → min. */
function solveRows(
  lists: readonly number[][],
  partner: Int32Array,
  { value }: ObservedEntries,
  other: Matrix,
  weights: Float64Array,
): Matrix {
  const r = other.columns;
  const made = matrix(lists.length, r);
  for (const [i, list] of lists.entries()) {
    const gram = matrix(r, r);
    const right = matrix(r, 1);
    for (const at of list) {
      const v = other.values.subarray(partner[at]! * r, (partner[at]! + 1) * r);
      for (let p = 0; p < r; p++) {
        const w = weights[at]! * v[p]!;
        right.values[p]! += w * value[at]!;
        for (let q = 0; q <= p; q++) gram.values[p * r + q]! += w * v[q]!;
      }
    }
    let trace = 0;
    for (let p = 0; p < r; p++) trace += gram.values[p * r + p]!;
    for (let p = 0; p < r; p++) gram.values[p * r + p]! += 1e-14 * trace + Number.MIN_VALUE * 2 ** 100;
    made.values.set(choleskySolve(cholesky(gram), right).values, i * r);
  }
  return made;
}

function misfits({ row, column, value }: ObservedEntries, A: Matrix, B: Matrix): Float64Array {
  const r = A.columns;
  return value.map((seen, at) => {
    let sum = 0;
    for (let k = 0, i = row[at]! * r, j = column[at]! * r; k < r; k++)
      sum += A.values[i + k]! * B.values[j + k]!;
    return seen - sum;
  });
}

/** Weighs what is misfit by more than c, which it returns. */
function reweigh(weights: Float64Array, misfit: Float64Array, least: number): number {
  const sizes = misfit.map(Math.abs).sort();
  const c = Math.max(2 * 1.4826 * sizes[Math.floor(sizes.length / 2)]!, least);
  for (const [at, value] of misfit.entries()) {
    const size = Math.abs(value);
    weights[at] = size <= c ? 1 : (c / size) ** 2;
  }
  return c;
}

function errorOf({ A, B }: Factors, truth: Matrix): number {
  return Math.sqrt(squares(minus(multiply(A, B, { transposeB: true }), truth)) / squares(truth));
}
