/** Which columns of A, or rows where there are fewer of them, are combinations of others. */
import { ArgumentError } from '@ockham/core';
import { qr } from '@ockham/core/linalg/qr';
import type { DenseMatrix, LinearSystem, Spectrum } from './system.ts';

/** One vector as a sum of others. */
interface Dependence {
  readonly index: number;
  readonly parts: readonly { readonly index: number; readonly factor: number }[];
}

/**
 * Says in words, or nothing where the rank is min(n, d) or not known, what lowers it; a least-squares solution is then
 * one of many. With fewer rows than columns it is so by shape, and dependent rows are told of and never refused.
 *
 * The spectrum of AᵀA sees singular values down to √ε alone, so that it only calls for the check, which is scale-free.
 *
 * @throws ArgumentError with `asked: 'error'` where columns are dependent and n ≥ d.
 */
export function checkRank(
  { n, d, a }: LinearSystem,
  { rank }: Spectrum,
  asked: 'error' | 'warn',
): string | undefined {
  const side = Math.min(n, d);
  if (rank === null || rank === side) return undefined;
  const wide = n < d;
  // the columns of R depend on each other as those of A do
  const { r } = qr(wide ? transposed(a) : a);
  const vectors = Array.from({ length: side }, (_, j) =>
    Float64Array.from({ length: side }, (_, i) => r.values[i * side + j]!),
  );
  const found = dependencies(vectors, Math.max(n, d));
  if (found.length === 0) return undefined;
  const what = wide ? 'row' : 'column';
  const named = found.slice(0, 5).map((dependence) => describe(dependence, what));
  const more = found.length - named.length;
  const text = `solve: A has rank ${side - found.length}, below its ${side} ${what}s: ${named.join('; ')}${more > 0 ? `; and ${more} more` : ''}.`;
  if (wide) return `${text} Where b differs from the same combination, no x reaches it.`;
  if (asked === 'error') {
    throw new ArgumentError(
      `${text} The answer is not unique. Leave ${found.length === 1 ? 'the column' : 'these columns'} out, or set collinear to warn for one answer of many.`,
    );
  }
  return `${text} x is one least-squares solution of many.`;
}

function transposed({ rows, columns, values }: DenseMatrix): DenseMatrix {
  const made = new Float64Array(values.length);
  for (let i = 0, p = 0; i < rows; i++)
    for (let j = 0; j < columns; j++, p++) made[j * rows + i] = values[p]!;
  return { rows: columns, columns: rows, values: made };
}

function describe({ index, parts }: Dependence, what: string): string {
  if (parts.length === 0) return `${what} ${index} is zero`;
  const [{ index: first, factor }] = parts as [Dependence['parts'][number]];
  if (parts.length === 1) {
    return Math.abs(factor - 1) < 1e-9
      ? `${what} ${index} repeats ${what} ${first}`
      : `${what} ${index} is ${Number(factor.toPrecision(6))} times ${what} ${first}`;
  }
  const shown = parts.slice(0, 4).map((part) => part.index);
  const rest = parts.length - shown.length;
  const list =
    rest > 0
      ? `${shown.join(', ')} and ${rest} more`
      : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)!}`;
  return `${what} ${index} is a combination of ${what}s ${list}`;
}

/** By Gram and Schmidt, the longest remainder next, of vectors of length 1; overwrites the vectors. */
function dependencies(vectors: readonly Float64Array[], longest: number): Dependence[] {
  // ten roundings a number: what a factorisation leaves of an exact combination
  const tolerance = 10 * longest * Number.EPSILON;
  const rest = new Map(
    vectors.map((v, index) => {
      const size = norm(v);
      for (let i = 0; i < v.length; i++) v[i]! /= size || 1;
      return [index, { index, v, size, left: size > 0 ? 1 : 0, along: [] as number[] }];
    }),
  );
  const kept: { index: number; q: Float64Array; size: number; left: number; along: readonly number[] }[] = [];
  for (;;) {
    const most = Math.max(...[...rest.values()].map(({ left }) => left));
    if (!(most > tolerance)) break;
    // the first of those that are as long, so that of two that are equal the later is named
    const next = [...rest.values()].find(({ left }) => left > 0.999 * most)!;
    rest.delete(next.index);
    kept.forEach(({ q }, k) => (next.along[k]! += project(next.v, q)));
    const left = norm(next.v);
    const q = next.v.map((value) => value / left);
    kept.push({ ...next, q, left });
    for (const one of rest.values()) {
      one.along.push(project(one.v, q));
      one.left = norm(one.v);
    }
  }
  return [...rest.values()].map(({ index, size, along }) => {
    // R c = Qᵀv from below, for the coefficients of the vectors themselves
    const parts: { index: number; factor: number }[] = [];
    for (let k = kept.length - 1; k >= 0; k--) {
      const { along: column, left: diagonal, size: own, index: of } = kept[k]!;
      const factor = along[k]! / diagonal;
      for (let i = 0; i < k; i++) along[i]! -= factor * column[i]!;
      if (Math.abs(factor) > 1e-9) parts.push({ index: of, factor: (factor * size) / own });
    }
    return { index, parts: parts.sort((one, other) => one.index - other.index) };
  });
}

/** Takes q's part out of v, and returns its length. */
function project(v: Float64Array, q: Float64Array): number {
  let along = 0;
  for (let i = 0; i < v.length; i++) along += v[i]! * q[i]!;
  for (let i = 0; i < v.length; i++) v[i]! -= along * q[i]!;
  return along;
}

function norm(v: Float64Array): number {
  let most = 0;
  for (let i = 0; i < v.length; i++) most = Math.max(most, Math.abs(v[i]!));
  if (most === 0) return 0;
  let sum = 0;
  for (let i = 0; i < v.length; i++) sum += (v[i]! / most) ** 2;
  return most * Math.sqrt(sum);
}
