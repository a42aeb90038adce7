/**
 * Singular values and vectors of a small bidiagonal matrix by implicit QR sweeps, with the zero shift where the
 * ordinary one would spoil small singular values (Demmel and Kahan 1990).
 *
 * Deviations: always sweeps downwards, shifts as Golub and Kahan do, and calls an off-diagonal negligible by its
 * neighbours alone.
 */
import { rotateRows } from './row-products.ts';

const epsilon = Number.EPSILON / 2;
// an off-diagonal between equal numbers can stay at two or three roundings for ever
const negligible = 8 * epsilon;
const tiny = 1e-280;

/** Rows of `values` that turn with the sweeps: row i starts at `offset + i * stride`, `length` numbers each. */
export interface TurningRows {
  readonly values: Float64Array;
  readonly offset: number;
  readonly stride: number;
  readonly length: number;
}

/**
 * Turns the upper bidiagonal matrix of `d[at … at + n − 1]` and `e[at … at + n − 2]` into its singular values, in `d`,
 * not negative, in no order; `left` and `right` become the transposed singular vectors if they start as identities.
 */
export function bidiagonalQr(
  d: Float64Array,
  e: Float64Array,
  at: number,
  n: number,
  left: TurningRows | undefined,
  right: TurningRows | undefined,
): void {
  let high = at + n - 1;
  // two or three sweeps a value are usual
  let budget = 60 * n + 100;
  while (high > at) {
    for (let i = at; i < high; i++) {
      const size = Math.abs(e[i]!);
      if (size <= negligible * (Math.abs(d[i]!) + Math.abs(d[i + 1]!)) || size < tiny) e[i] = 0;
    }
    if (e[high - 1] === 0) {
      high--;
      continue;
    }
    if (budget-- === 0) throw new Error('linalg: QR sweeps did not converge. Please report the matrix.');
    let low = high - 1;
    while (low > at && e[low - 1] !== 0) low--;
    const shift = shiftFor(d, e, low, high);
    if (shift === 0) zeroShiftSweep(d, e, at, low, high, left, right);
    else shiftedSweep(d, e, at, low, high, shift, left, right);
  }
  for (let i = at; i < at + n; i++) {
    if (d[i]! >= 0) continue;
    d[i] = -d[i]!;
    if (right) negateRow(right, i - at);
  }
}

/** The shift of a sweep, or 0 where one would cost small singular values their accuracy. */
function shiftFor(d: Float64Array, e: Float64Array, low: number, high: number): number {
  let largest = 0;
  let bound = Math.abs(d[low]!);
  let smallest = bound;
  for (let i = low; i < high; i++) {
    if (d[i] === 0) return 0;
    largest = Math.max(largest, Math.abs(d[i]!), Math.abs(e[i]!));
    // a lower bound of the smallest singular value, from the inverse's norm
    bound = Math.abs(d[i + 1]!) * (bound / (bound + Math.abs(e[i]!)));
    smallest = Math.min(smallest, bound);
  }
  largest = Math.max(largest, Math.abs(d[high]!));
  if ((high - low + 1) * smallest <= epsilon * largest) return 0;
  const shift = wilkinsonShift(d, e, low, high);
  const ratio = shift / Math.abs(d[low]!);
  return ratio * ratio < epsilon ? 0 : shift;
}

/**
 * The root of the eigenvalue of BᵀB's last 2 × 2 block that is nearer its last element. Of the last 2 × 2 block of B
 * itself, as Demmel and Kahan take it, sweeps in one direction can stand still.
 */
function wilkinsonShift(d: Float64Array, e: Float64Array, low: number, high: number): number {
  const before = high - 1 > low ? e[high - 2]! : 0;
  const last = d[high]! * d[high]! + e[high - 1]! * e[high - 1]!;
  const half = (d[high - 1]! * d[high - 1]! + before * before - last) / 2;
  const side = d[high - 1]! * e[high - 1]!;
  const root = Math.sqrt(half * half + side * side);
  if (root === 0) return Math.sqrt(last);
  const square = last - (half < 0 ? -1 : 1) * side * (side / (Math.abs(half) + root));
  return square > 0 ? Math.sqrt(square) : 0;
}

function shiftedSweep(
  d: Float64Array,
  e: Float64Array,
  at: number,
  low: number,
  high: number,
  shift: number,
  left: TurningRows | undefined,
  right: TurningRows | undefined,
): void {
  let f = (Math.abs(d[low]!) - shift) * (Math.sign(d[low]!) + shift / d[low]!);
  let g = e[low]!;
  for (let i = low; i < high; i++) {
    let r = length(f, g);
    let c = r === 0 ? 1 : f / r;
    let s = r === 0 ? 0 : g / r;
    if (i > low) e[i - 1] = r;
    f = c * d[i]! + s * e[i]!;
    e[i] = c * e[i]! - s * d[i]!;
    g = s * d[i + 1]!;
    d[i + 1]! *= c;
    if (right) turn(right, i - at, c, s);
    r = length(f, g);
    c = r === 0 ? 1 : f / r;
    s = r === 0 ? 0 : g / r;
    d[i] = r;
    f = c * e[i]! + s * d[i + 1]!;
    d[i + 1] = c * d[i + 1]! - s * e[i]!;
    if (i + 1 < high) {
      g = s * e[i + 1]!;
      e[i + 1]! *= c;
    }
    if (left) turn(left, i - at, c, s);
  }
  e[high - 1] = f;
}

function zeroShiftSweep(
  d: Float64Array,
  e: Float64Array,
  at: number,
  low: number,
  high: number,
  left: TurningRows | undefined,
  right: TurningRows | undefined,
): void {
  let oldC = 1;
  let oldS = 0;
  let c = 1;
  for (let i = low; i < high; i++) {
    const f = d[i]! * c;
    let r = length(f, e[i]!);
    c = r === 0 ? 1 : f / r;
    const s = r === 0 ? 0 : e[i]! / r;
    if (i > low) e[i - 1] = oldS * r;
    if (right) turn(right, i - at, c, s);
    const head = oldC * r;
    const side = d[i + 1]! * s;
    r = length(head, side);
    oldC = r === 0 ? 1 : head / r;
    oldS = r === 0 ? 0 : side / r;
    d[i] = r;
    if (left) turn(left, i - at, oldC, oldS);
  }
  const last = d[high]! * c;
  d[high] = last * oldC;
  e[high - 1] = last * oldS;
}

/**
 * Of a vector in a matrix of norm 1, or 0 where it is too short for its direction to be known: what is left out there
 * is nothing beside 1.
 */
export function length(x: number, y: number): number {
  const sum = x * x + y * y;
  if (sum > 1e-280) return Math.sqrt(sum);
  const short = Math.hypot(x, y);
  return short < 1e-290 ? 0 : short;
}

function turn({ values, offset, stride, length }: TurningRows, row: number, c: number, s: number): void {
  if (s === 0 && c === 1) return;
  const x = offset + row * stride;
  rotateRows(values, x, x + stride, length, c, s);
}

function negateRow({ values, offset, stride, length }: TurningRows, row: number): void {
  const x = offset + row * stride;
  for (let j = x; j < x + length; j++) values[j] = -values[j]!;
}
