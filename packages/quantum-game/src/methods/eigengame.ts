/**
 * The classical games that the paper starts from, for the principal components of data: α (Gemp et al. 2021, eq. 7 of the
 * paper and its gradient), μ (Gemp et al. 2022, "EigenGame Unloaded") and γ (Gemp et al. 2023), which solves the
 * generalised problem M v = λ B v.
 */
import { ArgumentError, NonFiniteError } from '@ockham/core';
import { toRandom, type Seed } from '@ockham/core/random';

/** Options of {@link eigenGame}. */
export interface EigenGameOptions {
  /** Of the starting vectors. */
  readonly seed: Seed;
  /** Default `mu`. */
  readonly variant?: 'alpha' | 'mu' | 'gamma';
  /** Rows of each step, in [1, rows]: a batch streams through the data, all of them is the exact gradient. Default all. */
  readonly batchSize?: number;
  /** Steps. Default 1,000. */
  readonly steps?: number;
  /** In units of 1 / (largest variance of a column · columns), and of the largest diagonal element of B. Default 1. */
  readonly learningRate?: number;
  /**
   * `[columns, columns]`, row by row, symmetric and positive definite: B of M v = λ B v. Only for `gamma`; default the
   * identity.
   */
  readonly metric?: Float64Array;
  /** Vectors to start from, `[k, columns]` row by row. Default random. */
  readonly initial?: Float64Array;
}

/** What {@link eigenGame} found. */
export interface PrincipalComponents {
  /** `[k]`: vᵀMv / vᵀBv of each, for M = XᵀX / rows. */
  readonly values: Float64Array;
  /** `[k, columns]`, row by row, of norm 1; with a metric vᵀBv = 1. */
  readonly vectors: Float64Array;
}

/**
 * The first `k` principal components of centred data, every player at once.
 *
 * @param data `[rows, columns]`, row by row, each column of mean 0.
 * @throws ArgumentError for a shape that does not fit, k beyond the columns or an option out of range; NonFiniteError for
 *   NaN in the data.
 */
export function eigenGame(
  data: Float64Array,
  columns: number,
  k: number,
  options: EigenGameOptions,
): PrincipalComponents {
  const rows = data.length / columns;
  if (!(Number.isSafeInteger(rows) && rows >= 1 && Number.isSafeInteger(k) && k >= 1 && k <= columns)) {
    throw new ArgumentError(
      `eigenGame: data must be [rows, ${columns}] and k in [1, ${columns}], got ${data.length} numbers and k = ${k}.`,
    );
  }
  if (!data.every(Number.isFinite)) {
    throw new NonFiniteError('eigenGame: every number of the data must be finite. Remove rows with NaN.');
  }
  const { variant = 'mu', batchSize = rows, steps = 1_000, learningRate = 1, metric, initial } = options;
  checkOptions(rows, columns, k, { variant, batchSize, steps, learningRate, metric, initial });
  const random = toRandom(options.seed);
  const vectors = initial?.slice() ?? Float64Array.from({ length: k * columns }, () => random.normal());
  for (let i = 0; i < k; i++) normalise(vectors.subarray(i * columns, (i + 1) * columns));
  const rate =
    learningRate / largestVariance(data, rows, columns) / columns / largestDiagonal(metric, columns);
  let order = random.permutation(rows);
  let at = 0;
  for (let step = 0; step < steps; step++) {
    if (at + batchSize > rows) {
      order = batchSize < rows ? random.permutation(rows) : order;
      at = 0;
    }
    const products = timesBatch(data, columns, order.subarray(at, at + batchSize), vectors, k);
    at += batchSize;
    // streaming errs by the batch: a falling rate averages that out
    const eta = batchSize < rows ? rate / Math.sqrt(1 + step / 50) : rate;
    if (metric)
      updateGeneralised(vectors, products, timesMetric(metric, vectors, columns, k), columns, k, eta);
    else update(vectors, products, columns, k, variant, eta);
  }
  const all = Int32Array.from({ length: rows }, (_, r) => r);
  const products = timesBatch(data, columns, all, vectors, k);
  if (metric) {
    for (let i = 0; i < k; i++) {
      const norm = Math.sqrt(dotRow(vectors, timesMetric(metric, vectors, columns, k), columns, i, i));
      for (const rows of [vectors, products])
        for (let c = 0; c < columns; c++) rows[i * columns + c]! /= norm;
    }
  }
  const values = Float64Array.from({ length: k }, (_, i) => dotRow(vectors, products, columns, i, i));
  return { values, vectors };
}

/** @throws ArgumentError for an option out of range. */
function checkOptions(
  rows: number,
  columns: number,
  k: number,
  {
    variant,
    batchSize,
    steps,
    learningRate,
    metric,
    initial,
  }: Omit<EigenGameOptions, 'seed' | 'metric' | 'initial'> & {
    readonly metric: Float64Array | undefined;
    readonly initial: Float64Array | undefined;
  },
): void {
  const refuse = (rule: string, got: unknown): never => {
    throw new ArgumentError(`eigenGame: ${rule}, got ${String(got)}.`);
  };
  const whole = (value: number | undefined, most: number): boolean =>
    Number.isSafeInteger(value) && value! >= 1 && value! <= most;
  if (!['alpha', 'mu', 'gamma'].includes(variant!))
    refuse("variant must be 'alpha', 'mu' or 'gamma'", variant);
  if (!whole(batchSize, rows)) refuse(`batchSize must be a whole number in [1, ${rows}]`, batchSize);
  if (!whole(steps, Infinity)) refuse('steps must be a whole number from 1', steps);
  if (!(learningRate! > 0 && Number.isFinite(learningRate)))
    refuse('learningRate must be above 0', learningRate);
  if (initial && initial.length !== k * columns)
    refuse(`initial must hold [${k}, ${columns}] numbers`, initial.length);
  if (metric === undefined) return;
  if (variant !== 'gamma') refuse("a metric needs variant: 'gamma'", variant);
  if (metric.length !== columns * columns)
    refuse(`metric must be [${columns}, ${columns}], ${columns * columns} numbers`, metric.length);
  for (let i = 0; i < columns; i++) {
    if (!(metric[i * columns + i]! > 0)) refuse('metric must be positive definite', `${metric[i * columns + i]} at ${i}, ${i}`); // prettier-ignore
    for (let j = 0; j < i; j++) {
      if (metric[i * columns + j] !== metric[j * columns + i])
        refuse(
          'metric must be symmetric',
          `${metric[i * columns + j]} and ${metric[j * columns + i]} at ${i}, ${j}`,
        );
    }
  }
}

/**
 * One step of all players of the γ-game with B:
 * ⟨v_i, B v_i⟩ M v_i − ⟨v_i, M v_i⟩ B v_i − Σ_{j<i} ⟨v_i, M y_j⟩ (⟨v_i, B v_i⟩ B y_j − ⟨v_i, B y_j⟩ B v_i), with
 * y_j = v_j / √⟨v_j, B v_j⟩.
 */
function updateGeneralised(
  v: Float64Array,
  mv: Float64Array,
  bv: Float64Array,
  columns: number,
  k: number,
  eta: number,
): void {
  const changes = new Float64Array(v.length);
  for (let i = 0; i < k; i++) {
    const [norm, own] = [dotRow(v, bv, columns, i, i), dotRow(v, mv, columns, i, i)];
    let along = own;
    for (let c = 0; c < columns; c++) changes[i * columns + c] = norm * mv[i * columns + c]!;
    for (let j = 0; j < i; j++) {
      const mixed = dotRow(v, mv, columns, i, j) / dotRow(v, bv, columns, j, j);
      for (let c = 0; c < columns; c++) changes[i * columns + c]! -= mixed * norm * bv[j * columns + c]!;
      along -= mixed * dotRow(v, bv, columns, i, j);
    }
    for (let c = 0; c < columns; c++) changes[i * columns + c]! -= along * bv[i * columns + c]!;
  }
  for (let i = 0; i < k; i++) {
    const row = v.subarray(i * columns, (i + 1) * columns);
    for (let c = 0; c < columns; c++) row[c]! += eta * changes[i * columns + c]!;
    normalise(row);
  }
}

function timesMetric(metric: Float64Array, v: Float64Array, columns: number, k: number): Float64Array {
  const out = new Float64Array(k * columns);
  for (let i = 0; i < k; i++)
    for (let c = 0; c < columns; c++) out[i * columns + c] = dotRow(metric, v, columns, c, i);
  return out;
}

function largestDiagonal(metric: Float64Array | undefined, columns: number): number {
  if (metric === undefined) return 1;
  return Math.max(...Array.from({ length: columns }, (_, c) => metric[c * columns + c]!));
}

/** One step of all players, from M v of each. */
function update(
  v: Float64Array,
  mv: Float64Array,
  columns: number,
  k: number,
  variant: 'alpha' | 'mu' | 'gamma',
  eta: number,
): void {
  const changes = new Float64Array(v.length);
  for (let i = 0; i < k; i++) {
    const own = dotRow(v, mv, columns, i, i);
    for (let c = 0; c < columns; c++) changes[i * columns + c] = mv[i * columns + c]!;
    for (let j = 0; j < i; j++) {
      const mixed = dotRow(v, mv, columns, i, j);
      const penalty = mixed / (variant === 'alpha' ? dotRow(v, mv, columns, j, j) || 1 : 1);
      const along = variant === 'alpha' ? mv : v; // M v_j, or v_j itself
      for (let c = 0; c < columns; c++) changes[i * columns + c]! -= penalty * along[j * columns + c]!;
    }
    // the part along v changes nothing but the length; γ carries it with the quotient, which is the same for B = 1
    const drop =
      variant === 'gamma' ? own - gammaOverlap(v, mv, columns, i) : dotRow(v, changes, columns, i, i);
    for (let c = 0; c < columns; c++) changes[i * columns + c]! -= drop * v[i * columns + c]!;
  }
  for (let i = 0; i < k; i++) {
    const row = v.subarray(i * columns, (i + 1) * columns);
    for (let c = 0; c < columns; c++) row[c]! += eta * changes[i * columns + c]!;
    normalise(row);
  }
}

/** Σ_{j<i} ⟨v_i, M v_j⟩⟨v_i, v_j⟩, the γ-game's share along v_i. */
function gammaOverlap(v: Float64Array, mv: Float64Array, columns: number, i: number): number {
  let sum = 0;
  for (let j = 0; j < i; j++) sum += dotRow(v, mv, columns, i, j) * dotRow(v, v, columns, i, j);
  return sum;
}

function timesBatch(
  data: Float64Array,
  columns: number,
  rows: Int32Array,
  vectors: Float64Array,
  k: number,
): Float64Array {
  const out = new Float64Array(k * columns);
  for (const r of rows) {
    for (let i = 0; i < k; i++) {
      let along = 0;
      for (let c = 0; c < columns; c++) along += data[r * columns + c]! * vectors[i * columns + c]!;
      along /= rows.length;
      for (let c = 0; c < columns; c++) out[i * columns + c]! += along * data[r * columns + c]!;
    }
  }
  return out;
}

function dotRow(a: Float64Array, b: Float64Array, columns: number, i: number, j: number): number {
  let sum = 0;
  for (let c = 0; c < columns; c++) sum += a[i * columns + c]! * b[j * columns + c]!;
  return sum;
}

function normalise(row: Float64Array): void {
  const norm = Math.hypot(...row) || 1;
  for (let c = 0; c < row.length; c++) row[c]! /= norm;
}

function largestVariance(data: Float64Array, rows: number, columns: number): number {
  const sums = new Float64Array(columns);
  for (let i = 0; i < data.length; i++) sums[i % columns]! += (data[i]! * data[i]!) / rows;
  return Math.max(...sums) || 1;
}
