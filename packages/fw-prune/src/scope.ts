/**
 * Where weights compete for their place.
 *
 * - `global`: all kernels together, the paper's flattened W.
 * - `layer`: each kernel keeps the same fraction.
 * - `lamp`: all together by the layer-adaptive score s_u² / Σ_{v ≥ u} s_v² over the kernel's weights in ascending
 *   order (Lee et al. 2021): the most important weight of every kernel scores 1.
 */
export type Scope = 'global' | 'layer' | 'lamp';

/** A kernel's scores and which of its weights may be kept at all. */
export interface Candidates {
  readonly scores: Float64Array;
  /** 0 where a weight was pruned before and may not return. */
  readonly allowed: Uint8Array;
}

/** The fewest weights that a kernel of `size` keeps: `floor · size` rounded up, one at least unless the floor is 0. */
export function floorOf(size: number, floor: number): number {
  return floor === 0 ? 0 : Math.min(size, Math.max(1, Math.ceil(floor * size - 1e-9))); // 0.07 · 100 is 7, not 8
}

/**
 * Chooses exactly `kept` weights, those of the largest scores. Of equal scores the later index is kept.
 *
 * @param kept At most as many as are allowed in all.
 * @param floors The fewest weights that each kernel keeps, or all that are allowed there; their sum must not exceed
 *   `kept`.
 * @returns For each kernel a byte per weight, 0 is pruned.
 */
export function chooseKept(
  kernels: readonly Candidates[],
  kept: number,
  scope: Scope,
  floors: readonly number[],
): Uint8Array[] {
  const caps = kernels.map(({ allowed }) => allowed.reduce((sum, bit) => sum + bit, 0));
  const least = floors.map((floor, i) => Math.min(floor, caps[i]!));
  const scores = kernels.map(({ scores: given, allowed }) =>
    given.map((s, i) => (allowed[i] === 0 ? -Infinity : s)),
  );
  if (scope === 'layer') {
    const shares = sharesOf(
      scores.map((s) => s.length),
      kept,
      least,
      caps,
    );
    return scores.map((s, i) => keepLargest(s, shares[i]!));
  }
  const ranked = scope === 'lamp' ? scores.map(lampScores) : scores;
  const bits = ranked.map((s, i) => keepLargest(s, least[i]!)); // the floors are kept whatever the others score
  const size = ranked.reduce((sum, s) => sum + s.length, 0);
  const competing = new Float64Array(size);
  let offset = 0;
  for (const [i, s] of ranked.entries()) {
    const safe = bits[i]!;
    competing.set(
      s.map((value, j) => (safe[j] === 1 ? Infinity : value)),
      offset,
    );
    offset += s.length;
  }
  const chosen = keepLargest(competing, kept);
  offset = 0;
  return ranked.map((s) => chosen.subarray(offset, (offset += s.length)).slice());
}

/** A byte per value: 1 for the `kept` largest, of equal ones the later. */
function keepLargest(values: Float64Array, kept: number): Uint8Array {
  const bits = new Uint8Array(values.length);
  const pruned = values.length - kept;
  if (pruned <= 0) return bits.fill(1);
  const threshold = Float64Array.from(values).sort()[pruned - 1]!;
  let below = 0;
  for (const value of values) if (value < threshold) below++;
  let ties = pruned - below; // this many of those at the threshold go, lowest index first
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value > threshold || (value === threshold && ties-- <= 0)) bits[i] = 1;
  }
  return bits;
}

/** Equal fractions, between `floors` and `caps`, that add up to `kept`: largest remainders first, then by index. */
function sharesOf(
  sizes: readonly number[],
  kept: number,
  floors: readonly number[],
  caps: readonly number[],
): number[] {
  const shares = sizes.map(() => 0);
  let open = sizes.map((_, i) => i);
  let left = kept;
  for (;;) {
    const total = open.reduce((sum, i) => sum + sizes[i]!, 0);
    const lack = (i: number) => floors[i]! - (left * sizes[i]!) / total;
    const excess = (i: number) => (left * sizes[i]!) / total - caps[i]!;
    const short = open.filter((i) => lack(i) > 0);
    const over = open.filter((i) => excess(i) > 0);
    if (short.length === 0 && over.length === 0) break;
    const sum = (of: readonly number[], by: (i: number) => number) => of.reduce((s, i) => s + by(i), 0);
    // the larger violation is settled first, so that what it frees or takes reaches the others
    const [settled, limits] = sum(short, lack) >= sum(over, excess) ? [short, floors] : [over, caps];
    for (const i of settled) shares[i] = limits[i]!;
    left -= sum(settled, (i) => limits[i]!);
    open = open.filter((i) => !settled.includes(i));
  }
  const total = open.reduce((sum, i) => sum + sizes[i]!, 0);
  const exact = open.map((i) => (left * sizes[i]!) / total);
  for (const [k, i] of open.entries()) left -= shares[i] = Math.floor(exact[k]!);
  const byRemainder = open
    .map((i, k) => ({ i, remainder: exact[k]! % 1 }))
    .sort((a, b) => b.remainder - a.remainder || a.i - b.i);
  for (const { i } of byRemainder.slice(0, left)) shares[i]!++;
  return shares;
}

/** The LAMP score of every value; pruned ones (−Infinity) stay so. */
function lampScores(scores: Float64Array): Float64Array {
  const squares = scores.map((s) => (s === -Infinity ? 0 : s * s));
  const sorted = Float64Array.from(squares).sort();
  const tail = new Float64Array(sorted.length + 1); // tail[p] = Σ_{q ≥ p} sorted[q]
  for (let p = sorted.length - 1; p >= 0; p--) tail[p] = tail[p + 1]! + sorted[p]!;
  const taken = new Int32Array(sorted.length); // equal values take the places from their first on
  return squares.map((square, i) => {
    if (scores[i] === -Infinity) return -Infinity;
    const first = lowerBound(sorted, square);
    const place = first + taken[first]!++;
    return square === 0 ? 0 : square / tail[place]!;
  });
}

/** The first index of an ascending array whose value is not below `value`. */
function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
