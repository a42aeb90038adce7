/**
 * A drawing as the digits of the data set are: its ink scaled to fit 20 × 20 pixels, its centre of mass in the middle of
 * 28 × 28 (LeCun et al. 1998, section III.A).
 */

export const SIDE = 28;
const BOX = 20;

/**
 * @param ink `[side, side]`, 0 for paper to 1 for ink.
 * @returns `[28, 28]` grey levels 0–255, or undefined where there is no ink.
 */
export function centerDigit(ink: Float32Array, side: number): Uint8Array | undefined {
  const bounds = boundsOf(ink, side);
  if (!bounds) return undefined;
  const { left, top, width, height } = bounds;
  const scale = BOX / Math.max(width, height);
  const small = new Float32Array(SIDE * SIDE);
  const [columns, rows] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  let [mass, x, y] = [0, 0, 0];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = meanOf(ink, side, left + column / scale, top + row / scale, 1 / scale);
      small[row * SIDE + column] = value;
      mass += value;
      x += value * (column + 0.5);
      y += value * (row + 0.5);
    }
  }
  const shiftX = clamp(rounded(SIDE / 2 - x / mass), 0, SIDE - columns);
  const shiftY = clamp(rounded(SIDE / 2 - y / mass), 0, SIDE - rows);
  const digit = new Uint8Array(SIDE * SIDE);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      digit[(row + shiftY) * SIDE + column + shiftX] = rounded(255 * small[row * SIDE + column]!);
  return digit;
}

function boundsOf(ink: Float32Array, side: number) {
  let [left, top, right, bottom] = [side, side, -1, -1];
  ink.forEach((value, i) => {
    if (value < 0.1) return;
    const [row, column] = [Math.floor(i / side), i % side];
    left = Math.min(left, column);
    right = Math.max(right, column);
    top = Math.min(top, row);
    bottom = Math.max(bottom, row);
  });
  return right < 0 ? undefined : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** Mean of the square that starts at (x, y), by the pixels that it touches, each by the part that it covers. */
function meanOf(ink: Float32Array, side: number, x: number, y: number, size: number): number {
  let sum = 0;
  for (let row = Math.floor(y); row < y + size && row < side; row++) {
    const high = Math.min(row + 1, y + size) - Math.max(row, y);
    for (let column = Math.floor(x); column < x + size && column < side; column++) {
      const wide = Math.min(column + 1, x + size) - Math.max(column, x);
      sum += ink[row * side + column]! * high * wide;
    }
  }
  return Math.min(1, sum / (size * size));
}

/** Halves go down: the place of a drawing, which changes the last bits, must not decide where they go. */
function rounded(value: number): number {
  return Math.round(value - 1e-3);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
