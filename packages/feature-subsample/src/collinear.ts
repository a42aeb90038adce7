/** Which columns of A, or rows where there are fewer of them, are combinations of those before. */
import { ArgumentError } from '@ockham/core';
import type { LinearSystem, Spectrum } from './system.ts';

/** One vector as a sum of vectors before it. */
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
  { n, d, a: { values } }: LinearSystem,
  { rank }: Spectrum,
  asked: 'error' | 'warn',
): string | undefined {
  const side = Math.min(n, d);
  if (rank === null || rank === side) return undefined;
  const wide = n < d;
  const found = dependencies(
    Array.from({ length: side }, (_, j) =>
      wide
        ? values.slice(j * d, (j + 1) * d)
        : Float64Array.from({ length: n }, (_, i) => values[i * d + j]!),
    ),
  );
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

/** From the first vector on, by Gram and Schmidt, twice; overwrites the vectors. */
function dependencies(vectors: readonly Float64Array[]): Dependence[] {
  const length = vectors[0]!.length;
  // ten roundings a number: what orthogonalising leaves of an exact combination
  const tolerance = 10 * Math.max(length, vectors.length) * Number.EPSILON;
  const kept: { index: number; q: Float64Array; along: Float64Array; left: number; size: number }[] = [];
  const found: Dependence[] = [];
  vectors.forEach((v, index) => {
    const size = norm(v);
    const along = new Float64Array(kept.length);
    for (let pass = 0; pass < 2; pass++) kept.forEach(({ q }, k) => (along[k]! += project(v, q)));
    const left = norm(v);
    if (left > tolerance * size) {
      kept.push({ index, q: v.map((value) => value / left), along, left, size });
      return;
    }
    // R c = Qᵀv from below, for the coefficients of the vectors themselves
    const parts: { index: number; factor: number }[] = [];
    for (let k = kept.length - 1; k >= 0; k--) {
      const { along: column, left: diagonal, size: own, index: of } = kept[k]!;
      const factor = along[k]! / diagonal;
      for (let i = 0; i < k; i++) along[i]! -= factor * column[i]!;
      if (Math.abs(factor) * own > 1e-9 * size) parts.unshift({ index: of, factor });
    }
    found.push({ index, parts });
  });
  return found;
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
