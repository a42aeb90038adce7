/**
 * The orthonormal basis of the discrete cosine transform (DCT-II), column by column: D[i, j] = c_j cos(π (2i + 1) j / 2m),
 * c_0 = √(1/m), else √(2/m).
 *
 * The angles repeat after 4m steps of π / 2m, so that a table of 4m cosines in float64 holds every entry.
 */
import { tensor2d, type Tensor2D } from '@tensorflow/tfjs-core';

const tables = new Map<number, Float64Array>();

function tableOf(m: number): Float64Array {
  const known = tables.get(m);
  if (known) return known;
  const made = Float64Array.from({ length: 4 * m }, (_, i) => Math.cos((Math.PI * i) / (2 * m)));
  tables.set(m, made);
  return made;
}

/** Columns `chosen` of the basis of `m` rows, `[m, chosen.length]`; orthonormal where none is named twice. */
export function cosineColumns(m: number, chosen: ArrayLike<number>): Tensor2D {
  const table = tableOf(m);
  const r = chosen.length;
  const values = new Float32Array(m * r);
  for (let place = 0; place < r; place++) {
    const j = chosen[place]!;
    const c = Math.sqrt((j === 0 ? 1 : 2) / m);
    for (let i = 0, angle = j; i < m; i++, angle = (angle + 2 * j) % (4 * m)) {
      values[i * r + place] = c * table[angle]!;
    }
  }
  return tensor2d(values, [m, r]);
}

/**
 * The indexes of the `r` largest scores. What was chosen before and is chosen again keeps its place, so that moments which
 * belong to a column stay with it; newcomers fill the gaps, in the order of their index.
 */
export function largest(scores: ArrayLike<number>, r: number, before?: ArrayLike<number>): Int32Array {
  const order = Array.from({ length: scores.length }, (_, i) => i).sort(
    (a, b) => scores[b]! - scores[a]! || a - b,
  );
  const taken = new Set(order.slice(0, r));
  if (!before) return Int32Array.from(taken).sort();
  const places = Int32Array.from(before);
  for (const column of places) taken.delete(column);
  const still = new Set(order.slice(0, r));
  const newcomers = [...taken].sort((a, b) => a - b).values();
  return places.map((column) => (still.has(column) ? column : newcomers.next().value!));
}
