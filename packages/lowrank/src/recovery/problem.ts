/**
 * Problems of Section 3: inputs of unit length, a low-rank channel W* with known singular values, white noise.
 *
 * X is `[n, d]`, W* = Â* Σ B̂*ᵀ with Â* `[d, r]` and B̂* `[m, r]` the leading singular vectors of a normal matrix, and
 * Y = X W* + z `[n, m]`.
 *
 * Deviations: B̂* has m rows, where the paper prints d. Gross errors for the robust method are ours.
 */
import { ArgumentError } from '@ockham/core';
import { matrix, multiply, svd, type Matrix } from '@ockham/core/linalg/matrices';
import { toRandom, type Random, type Seed } from '@ockham/core/random';

/** Inputs and outputs of an unknown linear channel of low rank. */
export interface RecoveryData {
  /** `[n, d]`. */
  readonly X: Matrix;
  /** `[n, m]`. */
  readonly Y: Matrix;
}

/** A problem whose answer is known. */
export interface RecoveryProblem extends RecoveryData {
  /** W*, `[d, m]`. */
  readonly truth: Matrix;
  /** Of W*, falling, `[r]`. */
  readonly sigma: Float64Array;
}

/** Options of {@link recoveryProblem}. */
export interface RecoveryProblemOptions {
  /** Fixes the problem: the same seed gives the same matrix and measurements. */
  readonly seed: Seed;
  /** n, from 1. Default 1000. */
  readonly samples?: number;
  /** d, from 1. Default 100. */
  readonly inputs?: number;
  /** m, from 1. Default 100. */
  readonly outputs?: number;
  /** r, in [1, min(d, m)]. Default 10. */
  readonly rank?: number;
  /** Singular values of W* from their number i = 1 … r, above 0. Default 1/i, Section 3. */
  readonly spectrum?: (i: number) => number;
  /** Mean square of X W* over that of the noise, in decibels. Default ∞: none. */
  readonly snr?: number;
  /** Share of Y's entries that are replaced by gross errors, in [0, 0.5). Default 0. */
  readonly corrupted?: number;
}

/**
 * A random problem of Section 3.
 *
 * @throws ArgumentError for an option outside its range.
 *
 * @example
 * const problem = recoveryProblem({ seed: 1, snr: 20 });
 */
export function recoveryProblem(options: RecoveryProblemOptions): RecoveryProblem {
  const { samples: n = 1000, inputs: d = 100, outputs: m = 100, rank: r = 10 } = options;
  const { spectrum = (i: number) => 1 / i, snr = Infinity, corrupted = 0 } = options;
  check({ n, d, m, r, snr, corrupted });
  const sigma = Float64Array.from({ length: r }, (_, i) => spectrum(i + 1))
    .sort()
    .reverse();
  const bad = sigma.find((value) => !(value > 0 && Number.isFinite(value)));
  if (bad !== undefined)
    throw new ArgumentError(`recoveryProblem: spectrum must give numbers above 0, got ${bad}.`);

  const random = toRandom(options.seed);
  const X = normal(n, d, random.stream('X'));
  for (let i = 0; i < n; i++) {
    const row = X.values.subarray(i * d, (i + 1) * d);
    const length = Math.hypot(...row);
    for (let j = 0; j < d; j++) row[j]! /= length;
  }
  const { u, v } = svd(normal(d, m, random.stream('M')), { rank: r });
  const scaled = matrix(
    d,
    r,
    u.values.map((value, at) => value * sigma[at % r]!),
  ); // Â* Σ
  const truth = multiply(scaled, v, { transposeB: true });
  const Y = multiply(X, truth);
  let power = 0;
  for (const value of Y.values) power += value * value;
  const size = Math.sqrt(power / (n * m));
  const z = random.stream('noise');
  if (snr < Infinity) {
    const spread = size * 10 ** (-snr / 20);
    for (let at = 0; at < n * m; at++) Y.values[at]! += spread * z.normal();
  }
  const errors = random.stream('corrupted');
  for (const at of errors.sample(n * m, Math.round(corrupted * n * m))) {
    Y.values[at] = 10 * size * errors.normal();
  }
  return { X, Y, truth, sigma };
}

function check(sizes: Readonly<Record<'n' | 'd' | 'm' | 'r' | 'snr' | 'corrupted', number>>): void {
  const { n, d, m, r, snr, corrupted } = sizes;
  for (const [name, value] of Object.entries({ samples: n, inputs: d, outputs: m })) {
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw new ArgumentError(`recoveryProblem: ${name} must be a whole number from 1, got ${value}.`);
  }
  const most = Math.min(d, m);
  if (!(Number.isInteger(r) && r >= 1 && r <= most)) {
    throw new ArgumentError(
      `recoveryProblem: rank must be a whole number in [1, min(d, m)] = [1, ${most}], got ${r}.`,
    );
  }
  if (Number.isNaN(snr) || snr === -Infinity)
    throw new ArgumentError(`recoveryProblem: snr must be decibels, Infinity for no noise, got ${snr}.`);
  if (!(corrupted >= 0 && corrupted < 0.5))
    throw new ArgumentError(`recoveryProblem: corrupted must be in [0, 0.5), got ${corrupted}.`);
}

/** `[rows, columns]` of standard normal numbers. */
export function normal(rows: number, columns: number, random: Random): Matrix {
  const made = matrix(rows, columns);
  for (let at = 0; at < made.values.length; at++) made.values[at] = random.normal();
  return made;
}
