import { valuesPerExample, type Split } from '@ockham/core';

/** Down and right, in pixels. */
const MOVES = [
  [0, 0],
  [1, 0],
  [-1, 0],
  [0, 1],
  [0, -1],
] as const;

/** How many copies of each image {@link withShifts} makes. */
export const COPIES: number = MOVES.length;

/**
 * Every image `[height, width, channels]` five times: as it is, and moved by a pixel up, down, left and right, with
 * zeros where nothing moves in. One pass over a fifth of this is what one pass over the images costs.
 */
export function withShifts({ size, x, y }: Split): Split {
  const [height, width, channels] = x.shape as [number, number, number];
  const each = valuesPerExample(x);
  const empty = <T extends Float32Array | Int32Array | Uint8Array>(like: T, length: number) =>
    new (like.constructor as new (length: number) => T)(length);
  const values = empty(x.values, MOVES.length * x.values.length);
  const labels = empty(y.values, MOVES.length * y.values.length);
  for (const [copy, [down, right]] of MOVES.entries()) {
    labels.set(y.values, copy * y.values.length);
    const across = (width - Math.abs(right)) * channels;
    for (let row = 0; row < size * height; row++) {
      const to = (row % height) + down;
      if (to < 0 || to >= height) continue;
      const from = row * width * channels + Math.max(0, -right) * channels;
      const start = copy * size * each + (row + down) * width * channels + Math.max(0, right) * channels;
      values.set(x.values.subarray(from, from + across), start);
    }
  }
  return { size: MOVES.length * size, x: { ...x, values }, y: { ...y, values: labels } };
}
