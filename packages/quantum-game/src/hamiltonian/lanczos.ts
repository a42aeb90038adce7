/**
 * The lowest eigenvalues of a Hamiltonian, with multiplicity, by Lanczos runs with full reorthogonalisation. One run
 * sees one vector of each eigenspace, so what it finds is locked and another run starts orthogonal to it, until a run
 * finds nothing at or below the last level wanted.
 */
import { ArgumentError, NonFiniteError, throwIfAborted } from '@ockham/core';
import { eigh } from '@ockham/core/linalg/eigh';
import { toRandom, type Random, type Seed } from '@ockham/core/random';
import { addScaled, innerProduct } from '../simulator/inner-product.ts';
import { multiply } from './multiply.ts';
import type { PauliSum } from './pauli-sum.ts';
import { xGroups } from './x-groups.ts';

/** Options of {@link lowestLevels}. */
export interface LanczosOptions {
  /** Default 0: only the start vectors are random. */
  readonly seed?: Seed;
  /** Residual ‖Hv − Ev‖, relative to Σ|c|, below which a pair counts as found. Default 1e-11. */
  readonly tolerance?: number;
  /** Aborts the work, which then rejects with an `AbortedError`. */
  readonly signal?: AbortSignal | undefined;
}

/** See {@link lowestLevels}. */
export interface ExactLevels {
  /** Rising, with multiplicity. */
  readonly values: Float64Array;
  /** `[2 · 2ⁿ]` each, orthonormal. */
  readonly vectors: readonly Float64Array[];
  /** For each value, how many of those found are equal to it within 1e-8 of Σ|c|. */
  readonly multiplicities: readonly number[];
}

const MOST_QUBITS = 14;
const MOST_STEPS = 400;

/**
 * The `count` lowest eigenpairs.
 *
 * @param count From 1 to 2ⁿ.
 * @throws ArgumentError for more than 14 qubits, a count beyond 2ⁿ or a sum that is not Hermitian.
 */
export function lowestLevels(
  hamiltonian: PauliSum,
  count: number,
  options: LanczosOptions = {},
): ExactLevels {
  const { seed = 0, tolerance = 1e-11, signal } = options;
  const { qubits } = hamiltonian;
  if (qubits > MOST_QUBITS) {
    throw new ArgumentError(
      `lowestLevels: at most ${MOST_QUBITS} qubits, as each Lanczos vector takes 16 · 2^n bytes, got ${qubits}.`,
    );
  }
  const size = 2 ** qubits;
  if (!(Number.isSafeInteger(count) && count >= 1 && count <= size)) {
    throw new ArgumentError(`lowestLevels: count must be a whole number in [1, ${size}], got ${count}.`);
  }
  const { constant } = hamiltonian;
  const groups = xGroups(hamiltonian.shifted(-constant)); // a large constant only adds rounding
  const random = toRandom(seed);
  const scale = hamiltonian.oneNorm || 1;
  const locked: { value: number; vector: Float64Array }[] = [];
  for (let run = 0; locked.length < size; run++) {
    throwIfAborted(signal, 'lowestLevels');
    const bound = locked.length >= count ? locked[count - 1]!.value : Infinity;
    const found = lanczosRun(
      (from, to) => void multiply(groups, from, to),
      randomVector(random.stream(run), size),
      locked.map(({ vector }) => vector),
      Math.max(1, count - locked.length),
      tolerance * scale,
    );
    const news = found.filter(({ value }) => value <= bound + 1e-9 * scale);
    if (news.length === 0) break;
    locked.push(...news);
    locked.sort((a, b) => a.value - b.value);
  }
  const kept = locked.slice(0, count);
  const multiplicities = kept.map(
    ({ value }) => locked.filter((other) => Math.abs(other.value - value) <= 1e-8 * scale).length,
  );
  return {
    values: Float64Array.from(kept, ({ value }) => value + constant),
    vectors: kept.map(({ vector }) => vector),
    multiplicities,
  };
}

/** The lowest `wanted` Ritz pairs of one run, of those converged; at least the lowest one. */
function lanczosRun(
  product: (from: Float64Array, to: Float64Array) => void,
  start: Float64Array,
  locked: readonly Float64Array[],
  wanted: number,
  tolerance: number,
): { value: number; vector: Float64Array }[] {
  const basis: Float64Array[] = [];
  const [alphas, betas]: [number[], number[]] = [[], []];
  let vector = start;
  orthogonalise(vector, locked);
  normalise(vector);
  const most = Math.min(vector.length / 2 - locked.length, MOST_STEPS);
  for (;;) {
    basis.push(vector);
    const next = new Float64Array(vector.length);
    product(vector, next);
    alphas.push(innerProduct(vector, next)[0]);
    orthogonalise(next, basis);
    orthogonalise(next, locked); // last, as the basis carries rounding errors along them
    const beta = normalise(next);
    const steps = basis.length;
    const ended = steps >= most || beta < tolerance;
    if (ended || steps % 20 === 0) {
      const { values, vectors } = eigh({ rows: steps, columns: steps, values: tridiagonal(alphas, betas) });
      const residual = (i: number): number => beta * Math.abs(vectors.values[(steps - 1) * steps + i]!);
      let converged = 0;
      while (converged < Math.min(wanted, steps) && (beta < tolerance || residual(converged) < tolerance))
        converged++;
      if (ended || converged >= Math.min(wanted, steps)) {
        if (converged === 0 && steps >= most) {
          throw new NonFiniteError(
            `lowestLevels: no level converged in ${steps} steps; residual ${residual(0)}, tolerance ${tolerance}. Raise tolerance.`,
          );
        }
        return Array.from({ length: converged }, (_, i) => ({
          value: values[i]!,
          vector: combine(basis, vectors.values, steps, i),
        }));
      }
    }
    betas.push(beta);
    vector = next;
  }
}

function tridiagonal(alphas: readonly number[], betas: readonly number[]): Float64Array {
  const n = alphas.length;
  const values = new Float64Array(n * n);
  alphas.forEach((alpha, i) => (values[i * n + i] = alpha));
  for (let i = 0; i + 1 < n; i++) values[i * n + i + 1] = values[(i + 1) * n + i] = betas[i]!;
  return values;
}

function combine(basis: readonly Float64Array[], columns: Float64Array, n: number, i: number): Float64Array {
  const made = new Float64Array(basis[0]!.length);
  basis.forEach((vector, j) => addScaled(made, vector, columns[j * n + i]!, 0));
  normalise(made);
  return made;
}

/** Takes the parts along `others` out of `vector`, twice, which is enough (Parlett 1980). */
function orthogonalise(vector: Float64Array, others: readonly Float64Array[]): void {
  for (let pass = 0; pass < 2; pass++) {
    for (const other of others) {
      const [re, im] = innerProduct(other, vector);
      addScaled(vector, other, -re, -im);
    }
  }
}

function normalise(vector: Float64Array): number {
  const length = Math.sqrt(innerProduct(vector, vector)[0]);
  if (length > 0) for (let i = 0; i < vector.length; i++) vector[i]! /= length;
  return length;
}

function randomVector(random: Random, size: number): Float64Array {
  return Float64Array.from({ length: 2 * size }, () => random.normal());
}
