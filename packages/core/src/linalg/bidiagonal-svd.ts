/**
 * Singular values and vectors of a bidiagonal matrix by divide and conquer (Gu and Eisenstat 1995): leave out a row,
 * solve what falls apart, and join the halves by the secular equation, whose vectors multiply the halves' own.
 *
 * Names as in the paper: after the halves are solved B is M = [zᵀ; 0 diag(d)] in their bases.
 */
import { addProduct, block } from './add-product.ts';
import { allocate, reserve } from './arena.ts';
import { bidiagonalQr, length as hypotenuse } from './bidiagonal-qr.ts';
import type { TurningRows } from './bidiagonal-qr.ts';
import { rotateRows } from './row-products.ts';
import { secularRoot } from './secular-equation.ts';

const leafSize = 24;

/** The decomposition B = U diag(values) Vᵀ of {@link bidiagonalSvd}; `values[i]` belongs to the i-th rows. */
export interface BidiagonalSvd {
  /** Not negative, in no order. */
  readonly values: Float64Array;
  /** Uᵀ, `[n, n]`. */
  readonly leftRows: Float64Array;
  /** Vᵀ, `[n, n]`; only the first and the last column, `[n, 2]`, with `right: 'ends'`. */
  readonly rightRows: Float64Array;
}

/**
 * Decomposes the upper bidiagonal matrix of `diagonal` (n numbers, at most about 1) and `superdiagonal` (n − 1).
 *
 * @param right `ends` leaves out what only the right vectors need.
 */
export function bidiagonalSvd(
  diagonal: Float64Array,
  superdiagonal: Float64Array,
  right: 'all' | 'ends',
): BidiagonalSvd {
  const n = diagonal.length;
  const d = diagonal.slice();
  const e = superdiagonal.slice();
  const U = allocate(n * n);
  const width = right === 'all' ? n : 2;
  const V = allocate(n * width);
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, Math.abs(d[i]!), Math.abs(e[i] ?? 0));
  const scratch = n > leafSize ? n * n : 0;
  solve(
    {
      d,
      e,
      U,
      V,
      stride: n,
      ends: right === 'ends',
      tolerance: 8 * Number.EPSILON * largest,
      P: reserve(scratch),
      Q: reserve(scratch),
      gathered: reserve(scratch),
      product: reserve(scratch),
    },
    0,
    n,
    0,
  );
  return { values: d, leftRows: U, rightRows: V };
}

interface State {
  readonly d: Float64Array;
  readonly e: Float64Array;
  readonly U: Float64Array;
  readonly V: Float64Array;
  readonly stride: number;
  /** V holds two columns: the first and the last of the part at hand. */
  readonly ends: boolean;
  /** What may be left out, of the whole matrix: by a smaller part's own size, squares of z would vanish. */
  readonly tolerance: number;
  readonly P: Float64Array;
  readonly Q: Float64Array;
  readonly gathered: Float64Array;
  readonly product: Float64Array;
}

/** Solves rows `low … low + n − 1`, which have one more column than rows if `extra` is 1. */
function solve(state: State, low: number, n: number, extra: 0 | 1): void {
  if (n <= leafSize) {
    solveLeaf(state, low, n, extra);
    return;
  }
  const upper = n >> 1;
  solve(state, low, upper, 1);
  solve(state, low + upper + 1, n - upper - 1, extra);
  join(state, low, n, extra, upper);
}

function solveLeaf({ d, e, U, V, stride, ends }: State, low: number, n: number, extra: 0 | 1): void {
  const left: TurningRows = { values: U, offset: low * stride + low, stride, length: n };
  const right: TurningRows = ends
    ? { values: V, offset: low * 2, stride: 2, length: 2 }
    : { values: V, offset: low * stride + low, stride, length: n + extra };
  for (let i = 0; i < n; i++) U[left.offset + i * stride + i] = 1;
  if (ends) {
    V[low * 2] = 1;
    V[(low + n - 1 + extra) * 2 + 1] = 1;
  } else {
    for (let i = 0; i < n + extra; i++) V[right.offset + i * stride + i] = 1;
  }
  if (extra) {
    // turn the last column into the others, from the last row up
    const last = right.offset + n * right.stride;
    let bulge = e[low + n - 1]!;
    for (let i = n - 1; i >= 0 && bulge !== 0; i--) {
      const r = hypotenuse(d[low + i]!, bulge);
      if (r === 0) break;
      const c = d[low + i]! / r;
      const s = bulge / r;
      d[low + i] = r;
      if (i > 0) {
        bulge = -s * e[low + i - 1]!;
        e[low + i - 1]! *= c;
      }
      rotateRows(V, right.offset + i * right.stride, last, right.length, c, s);
    }
  }
  bidiagonalQr(d, e, low, n, left, right);
}

/** Joins `upper` rows, the row left out, and the rest. The row left out becomes the first of M. */
function join(state: State, low: number, n: number, extra: 0 | 1, upper: number): void {
  const { d, U, stride, tolerance } = state;
  const middle = low + upper;
  const alpha = d[middle]!;
  const beta = state.e[middle]!;
  const z = firstRow(state, low, n, extra, middle, alpha, beta);
  U[middle * stride + middle] = 1;
  d[middle] = 0;

  const side = new Uint8Array(n).fill(inUpper, 0, upper).fill(inLower, upper + 1);
  side[upper] = inBoth;
  const kept = deflate(state, low, n, extra, middle, z, side);
  const K = kept.length;
  if (K === 1) {
    d[middle] = Math.abs(z[upper]!);
    if (z[upper]! < 0) negateRightRow(state, low, n, extra, middle);
    return;
  }
  if (Math.abs(z[upper]!) < tolerance) z[upper] = z[upper]! < 0 ? -tolerance : tolerance;

  const order = gatheringOrder(kept, side, low);
  solveSecular(state, low, z, kept, order.position);
  multiplyLeft(state, low, n, upper, kept, order);
  multiplyRight(state, low, n, extra, upper, kept, order);
}

const inUpper = 1;
const inLower = 2;
const inBoth = 3;

/** z in the bases of the halves, indexed from `low`; with an extra column its two null vectors become one. */
function firstRow(
  { V, stride, ends }: State,
  low: number,
  n: number,
  extra: 0 | 1,
  middle: number,
  alpha: number,
  beta: number,
): Float64Array {
  const z = new Float64Array(n);
  const end = low + n;
  for (let j = low; j < end + extra; j++) {
    const value = ends
      ? V[j * 2 + (j <= middle ? 1 : 0)]!
      : V[j * stride + (j <= middle ? middle : middle + 1)]!;
    if (j < end) z[j - low] = (j <= middle ? alpha : beta) * value;
    // what is left of the two columns belongs to the other half
    if (ends) V[j * 2 + (j <= middle ? 1 : 0)] = 0;
    if (j === end) {
      const x = z[middle - low]!;
      const y = beta * value;
      const r = hypotenuse(x, y);
      z[middle - low] = r;
      if (r > 0) {
        const [offset, rowStride, length] = ends ? [0, 2, 2] : [low, stride, n + 1];
        rotateRows(V, middle * rowStride + offset, end * rowStride + offset, length, x / r, y / r);
      }
    }
  }
  return z;
}

/**
 * Takes out the values that are singular values of M already, to within the tolerance: z_j is nothing, d_j is
 * nothing, or d_j equals another.
 *
 * @returns rows that stay, by rising d, the middle one first
 */
function deflate(
  { d, U, V, stride, ends, tolerance }: State,
  low: number,
  n: number,
  extra: 0 | 1,
  middle: number,
  z: Float64Array,
  side: Uint8Array,
): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => low + i).sort((a, b) => d[a]! - d[b]! || a - b);
  const kept = new Int32Array(n);
  let K = 1;
  kept[0] = middle;
  const [offset, rowStride, length] = ends ? [0, 2, 2] : [low, stride, n + extra];
  for (let at = 0; at < n; at++) {
    const j = order[at]!;
    const zj = z[j - low]!;
    if (j === middle || Math.abs(zj) <= tolerance) continue;
    const previous = kept[K - 1]!;
    if (d[j]! <= tolerance) {
      const zMiddle = z[middle - low]!;
      const r = Math.hypot(zMiddle, zj);
      rotateRows(V, middle * rowStride + offset, j * rowStride + offset, length, zMiddle / r, zj / r);
      z[middle - low] = r;
    } else if (previous !== middle && d[j]! - d[previous]! <= tolerance) {
      const r = Math.hypot(zj, z[previous - low]!);
      const c = zj / r;
      const s = z[previous - low]! / r;
      rotateRows(V, j * rowStride + offset, previous * rowStride + offset, length, c, s);
      rotateRows(U, j * stride + low, previous * stride + low, n, c, s);
      z[j - low] = r;
      side[j - low]! |= side[previous - low]!;
      kept[K - 1] = j;
    } else kept[K++] = j;
  }
  return kept.slice(0, K);
}

interface GatheringOrder {
  /** Where the i-th kept row goes, so that rows of the upper half come first and of the lower half last. */
  readonly position: Int32Array;
  /** Rows 0 … upperEnd − 1 reach into the upper half, rows from lowerStart on into the lower. */
  readonly upperEnd: number;
  readonly lowerStart: number;
}

function gatheringOrder(kept: Int32Array, side: Uint8Array, low: number): GatheringOrder {
  const position = new Int32Array(kept.length);
  let next = 0;
  const ends: number[] = [];
  for (const wanted of [inUpper, inBoth, inLower]) {
    for (let i = 0; i < kept.length; i++) if (side[kept[i]! - low] === wanted) position[i] = next++;
    ends.push(next);
  }
  return { position, upperEnd: ends[1]!, lowerStart: ends[0]! };
}

/** Writes M's singular values to `d`, and its vectors to the rows of P (left) and Q (right), columns by `position`. */
function solveSecular(
  { d, P, Q, product: gaps }: State,
  low: number,
  z: Float64Array,
  kept: Int32Array,
  position: Int32Array,
): void {
  const K = kept.length;
  const poles = new Float64Array(K);
  const scratch = new Float64Array(K);
  const zSquared = new Float64Array(K);
  for (let j = 0; j < K; j++) {
    poles[j] = d[kept[j]!]!;
    zSquared[j] = z[kept[j]! - low]! ** 2;
  }
  for (let i = 0; i < K; i++) d[kept[i]!] = secularRoot(i, K, poles, zSquared, scratch, gaps, i * K);

  // the z for which these roots are exact (Löwner): that is what keeps the vectors orthogonal
  const zHat = scratch;
  for (let j = 0; j < K; j++) zHat[j] = -gaps[j * K + j]!;
  for (let i = 0; i < K; i++) {
    const pole = poles[i]!;
    const row = i * K;
    for (let j = 0; j < i; j++) {
      const dj = poles[j]!;
      zHat[j]! *= gaps[row + j]! / ((dj - pole) * (dj + pole));
    }
    for (let j = i + 1; j < K; j++) {
      const dj = poles[j]!;
      zHat[j]! *= gaps[row + j]! / ((dj - pole) * (dj + pole));
    }
  }
  for (let j = 0; j < K; j++) {
    const size = Math.sqrt(Math.max(0, zHat[j]!));
    zHat[j] = z[kept[j]! - low]! < 0 ? -size : size;
  }

  for (let i = 0; i < K; i++) {
    const row = i * K;
    let qSum = 0;
    let pSum = 1;
    for (let j = 0; j < K; j++) {
      const q = zHat[j]! / gaps[row + j]!;
      const p = poles[j]! * q;
      gaps[row + j] = q;
      qSum += q * q;
      pSum += p * p;
    }
    const qScale = 1 / Math.sqrt(qSum);
    const pScale = 1 / Math.sqrt(pSum);
    for (let j = 0; j < K; j++) {
      const to = row + position[j]!;
      const q = gaps[row + j]!;
      Q[to] = q * qScale;
      P[to] = j === 0 ? -pScale : poles[j]! * q * pScale;
    }
  }
}

function multiplyLeft(
  { U, P, gathered, product, stride }: State,
  low: number,
  n: number,
  upper: number,
  kept: Int32Array,
  { position, upperEnd, lowerStart }: GatheringOrder,
): void {
  const K = kept.length;
  for (let i = 0; i < K; i++) {
    const from = kept[i]! * stride + low;
    gathered.set(U.subarray(from, from + n), position[i]! * n);
  }
  product.fill(0, 0, K * n);
  addProduct(K, upper, upperEnd, 1, block(P, 0, K), block(gathered, 0, n), product, 0, n);
  const lower = n - upper - 1;
  addProduct(
    K,
    lower,
    K - lowerStart,
    1,
    block(P, lowerStart, K),
    block(gathered, lowerStart * n + upper + 1, n),
    product,
    upper + 1,
    n,
  );
  for (let i = 0; i < K; i++) {
    // of the middle column only the middle row has a part
    product[i * n + upper] = P[i * K + position[0]!]!;
    U.set(product.subarray(i * n, (i + 1) * n), kept[i]! * stride + low);
  }
}

function multiplyRight(
  { V, Q, gathered, product, stride, ends }: State,
  low: number,
  n: number,
  extra: 0 | 1,
  upper: number,
  kept: Int32Array,
  { position, upperEnd, lowerStart }: GatheringOrder,
): void {
  const K = kept.length;
  const [offset, rowStride, width] = ends ? [0, 2, 2] : [low, stride, n + extra];
  for (let i = 0; i < K; i++) {
    const from = kept[i]! * rowStride + offset;
    gathered.set(V.subarray(from, from + width), position[i]! * width);
  }
  product.fill(0, 0, K * width);
  const split = ends ? width : upper + 1;
  const inner = ends ? K : upperEnd;
  addProduct(K, split, inner, 1, block(Q, 0, K), block(gathered, 0, width), product, 0, width);
  if (!ends) {
    addProduct(
      K,
      width - split,
      K - lowerStart,
      1,
      block(Q, lowerStart, K),
      block(gathered, lowerStart * width + split, width),
      product,
      split,
      width,
    );
  }
  for (let i = 0; i < K; i++) {
    V.set(product.subarray(i * width, (i + 1) * width), kept[i]! * rowStride + offset);
  }
}

function negateRightRow({ V, stride, ends }: State, low: number, n: number, extra: 0 | 1, row: number): void {
  const [offset, rowStride, length] = ends ? [0, 2, 2] : [low, stride, n + extra];
  for (let j = row * rowStride + offset, end = j + length; j < end; j++) V[j] = -V[j]!;
}
