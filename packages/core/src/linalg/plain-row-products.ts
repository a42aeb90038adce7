/**
 * The loops of {@link ./row-products.ts} in plain TypeScript, the oracle of those in WebAssembly, four rows at a time so that
 * each number loaded works four times. Both add in the same order.
 */

/** Even j, odd j, their sum, and at last what an odd length leaves: the order of a register of two. */
export function rowsTimesVector(
  rows: Float64Array,
  offset: number,
  stride: number,
  count: number,
  x: Float64Array,
  xOffset: number,
  length: number,
  out: Float64Array,
  outOffset: number,
): void {
  const pairs = length - (length % 2);
  for (let r = 0; r < count; r += 2) {
    const p = offset + r * stride;
    // an odd row at the end is its own partner
    const q = r + 1 < count ? p + stride : p;
    let pEven = 0;
    let pOdd = 0;
    let qEven = 0;
    let qOdd = 0;
    for (let j = 0; j < pairs; j += 2) {
      const even = x[xOffset + j]!;
      const odd = x[xOffset + j + 1]!;
      pEven += rows[p + j]! * even;
      pOdd += rows[p + j + 1]! * odd;
      qEven += rows[q + j]! * even;
      qOdd += rows[q + j + 1]! * odd;
    }
    let pSum = pEven + pOdd;
    let qSum = qEven + qOdd;
    if (pairs < length) {
      pSum += rows[p + pairs]! * x[xOffset + pairs]!;
      qSum += rows[q + pairs]! * x[xOffset + pairs]!;
    }
    out[outOffset + r] = pSum;
    if (r + 1 < count) out[outOffset + r + 1] = qSum;
  }
}

/** Four rows' sum at a time. */
export function addRows(
  rows: Float64Array,
  offset: number,
  stride: number,
  count: number,
  alpha: number,
  w: Float64Array,
  wOffset: number,
  wStride: number,
  y: Float64Array,
  yOffset: number,
  length: number,
): void {
  let r = 0;
  for (; r + 4 <= count; r += 4) {
    const at = wOffset + r * wStride;
    const w0 = alpha * w[at]!;
    const w1 = alpha * w[at + wStride]!;
    const w2 = alpha * w[at + 2 * wStride]!;
    const w3 = alpha * w[at + 3 * wStride]!;
    const p0 = offset + r * stride;
    const p1 = p0 + stride;
    const p2 = p1 + stride;
    const p3 = p2 + stride;
    for (let j = 0; j < length; j++) {
      y[yOffset + j]! += w0 * rows[p0 + j]! + w1 * rows[p1 + j]! + (w2 * rows[p2 + j]! + w3 * rows[p3 + j]!);
    }
  }
  for (; r < count; r++) {
    const weight = alpha * w[wOffset + r * wStride]!;
    const p = offset + r * stride;
    for (let j = 0; j < length; j++) y[yOffset + j]! += weight * rows[p + j]!;
  }
}

export function addOuter(
  rows: Float64Array,
  offset: number,
  stride: number,
  count: number,
  alpha: number,
  w: Float64Array,
  wOffset: number,
  x: Float64Array,
  xOffset: number,
  length: number,
): void {
  for (let r = 0; r < count; r++) {
    const weight = alpha * w[wOffset + r]!;
    const p = offset + r * stride;
    for (let j = 0; j < length; j++) rows[p + j]! += weight * x[xOffset + j]!;
  }
}

export function rotateRows(
  values: Float64Array,
  xOffset: number,
  yOffset: number,
  length: number,
  c: number,
  s: number,
): void {
  for (let j = 0; j < length; j++) {
    const x = values[xOffset + j]!;
    const y = values[yOffset + j]!;
    values[xOffset + j] = c * x + s * y;
    values[yOffset + j] = c * y - s * x;
  }
}
