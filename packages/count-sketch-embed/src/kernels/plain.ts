/** The kernels of `assembly/` in TypeScript, to the bit: for engines whose memory is a typed array, and to compare with. */
import type { SketchTokens, Tokens } from './tokens.ts';

/** Vectors of the tokens to `out`, `[n, dimension]`. */
export function lookUpPlain(tokens: SketchTokens, sketch: Float32Array, out: Float32Array): void {
  const { hashes, groups, dimension, places, slots } = tokens;
  const size = hashes / groups;
  const [values, sorted] = [new Float32Array(groups), new Float32Array(groups)];
  const first = new Int32Array(slots.length / hashes);
  let known = 0;
  places.forEach((place, i) => {
    if (place !== known) {
      out.copyWithin(i * dimension, first[place]!, first[place]! + dimension);
      return;
    }
    first[known++] = i * dimension;
    for (let j = 0; j < dimension; j++) {
      groupMeans(sketch, tokens, place * hashes, size, j, values);
      const [lower, upper] = middle(values, sorted);
      out[i * dimension + j] = groups % 2 ? lower : Math.fround(lower + upper) * 0.5;
    }
  });
}

/** Adds the gradient that `dy` `[n, dimension]` gives the sketch to `to`. */
export function gradientPlain(
  tokens: SketchTokens,
  sketch: Float32Array,
  dy: Float32Array,
  to: Float32Array,
): void {
  const { hashes, groups, dimension, slots, unique } = tokens;
  const size = hashes / groups;
  const sums = plainSums(tokens, dy);
  const [values, sorted] = [new Float32Array(groups), new Float32Array(groups)];
  for (let k = 0; k < unique; k++) {
    for (let j = 0; j < dimension; j++) {
      groupMeans(sketch, tokens, k * hashes, size, j, values);
      const [lower, upper] = middle(values, sorted);
      const half = Math.fround(sums[k * dimension + j]! * Math.fround(0.5 / size));
      const ofLower = Math.fround(half / count(values, lower));
      const ofUpper = Math.fround(half / count(values, upper));
      for (let i = 0; i < hashes; i++) {
        const row = slots[k * hashes + i]! >> 1;
        const value = values[Math.floor(i / size)]!;
        const part = Math.fround((value === lower ? ofLower : 0) + (value === upper ? ofUpper : 0));
        to[row + j]! += isMinus(tokens, k * hashes + i, j) ? -part : part;
      }
    }
  }
}

/** The rows of `dy` `[n, dimension]` summed by id, in the order of the tokens. */
export function plainSums({ dimension, places, unique }: Tokens, dy: Float32Array): Float32Array {
  const sums = new Float32Array(unique * dimension);
  places.forEach((place, i) => {
    for (let j = 0; j < dimension; j++) sums[place * dimension + j]! += dy[i * dimension + j]!;
  });
  return sums;
}

function groupMeans(
  sketch: Float32Array,
  tokens: SketchTokens,
  from: number,
  size: number,
  column: number,
  to: Float32Array,
): void {
  for (let g = 0; g < to.length; g++) {
    let sum = -0; // the zero that changes nothing
    for (let s = 0; s < size; s++) {
      const at = from + g * size + s;
      const value = sketch[(tokens.slots[at]! >> 1) + column]!;
      sum = Math.fround(sum + (isMinus(tokens, at, column) ? -value : value));
    }
    to[g] = sum / size;
  }
}

function isMinus({ slots, words, dimension }: SketchTokens, at: number, column: number): number {
  if (!words) return slots[at]! & 1;
  return (words[at * ((dimension + 31) >> 5) + (column >>> 5)]! >>> (column & 31)) & 1;
}

/**
 * The middle value, or the middle two, which are the same for an odd number; NaN where one of the values is. `sorted` is
 * room for the values.
 */
function middle(values: Float32Array, sorted: Float32Array): [lower: number, upper: number] {
  for (let g = 0; g < values.length; g++) {
    if (Number.isNaN(values[g])) return [NaN, NaN];
    let at = g;
    for (; at > 0 && sorted[at - 1]! > values[g]!; at--) sorted[at] = sorted[at - 1]!;
    sorted[at] = values[g]!;
  }
  return [sorted[(sorted.length - 1) >> 1]!, sorted[sorted.length >> 1]!];
}

function count(values: Float32Array, value: number): number {
  let found = 0;
  for (let g = 0; g < values.length; g++) if (values[g] === value) found++;
  return found;
}
