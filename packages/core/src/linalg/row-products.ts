/** Products of a few contiguous rows with a vector, four rows at a time so that each number loaded works four times. */

/** `out[outOffset + r] = Σ_j rows[offset + r * stride + j] * x[xOffset + j]` for r < count, j < length. */
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
  let r = 0;
  for (; r + 4 <= count; r += 4) {
    const p0 = offset + r * stride;
    const p1 = p0 + stride;
    const p2 = p1 + stride;
    const p3 = p2 + stride;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let j = 0; j < length; j++) {
      const value = x[xOffset + j]!;
      s0 += rows[p0 + j]! * value;
      s1 += rows[p1 + j]! * value;
      s2 += rows[p2 + j]! * value;
      s3 += rows[p3 + j]! * value;
    }
    out[outOffset + r] = s0;
    out[outOffset + r + 1] = s1;
    out[outOffset + r + 2] = s2;
    out[outOffset + r + 3] = s3;
  }
  for (; r < count; r++) {
    const p = offset + r * stride;
    let s = 0;
    for (let j = 0; j < length; j++) s += rows[p + j]! * x[xOffset + j]!;
    out[outOffset + r] = s;
  }
}

/** `y[yOffset + j] += alpha * Σ_r w[wOffset + r * wStride] * rows[offset + r * stride + j]` for r < count, j < length. */
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

/** `rows[offset + r * stride + j] += alpha * w[wOffset + r] * x[xOffset + j]` for r < count, j < length. */
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
  let r = 0;
  for (; r + 4 <= count; r += 4) {
    const w0 = alpha * w[wOffset + r]!;
    const w1 = alpha * w[wOffset + r + 1]!;
    const w2 = alpha * w[wOffset + r + 2]!;
    const w3 = alpha * w[wOffset + r + 3]!;
    const p0 = offset + r * stride;
    const p1 = p0 + stride;
    const p2 = p1 + stride;
    const p3 = p2 + stride;
    for (let j = 0; j < length; j++) {
      const value = x[xOffset + j]!;
      rows[p0 + j]! += w0 * value;
      rows[p1 + j]! += w1 * value;
      rows[p2 + j]! += w2 * value;
      rows[p3 + j]! += w3 * value;
    }
  }
  for (; r < count; r++) {
    const weight = alpha * w[wOffset + r]!;
    const p = offset + r * stride;
    for (let j = 0; j < length; j++) rows[p + j]! += weight * x[xOffset + j]!;
  }
}

/** Turns two rows: `(x, y) ← (c x + s y, c y − s x)`. */
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
