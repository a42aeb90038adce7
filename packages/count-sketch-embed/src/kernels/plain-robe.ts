/** The kernels of a ROBE in TypeScript, to the bit. */
import { plainSums } from './plain.ts';
import type { RobeTokens } from './tokens.ts';

/** Vectors of the tokens to `out`, `[n, dimension]`. */
export function lookUpRobePlain(tokens: RobeTokens, array: Float32Array, out: Float32Array): void {
  const { dimension, places, unique } = tokens;
  const first = new Int32Array(unique);
  let known = 0;
  places.forEach((place, i) => {
    if (place !== known) {
      out.copyWithin(i * dimension, first[place]!, first[place]! + dimension);
      return;
    }
    first[known++] = i * dimension;
    eachNumber(tokens, place, (j, at, minus) => {
      out[i * dimension + j] = minus ? -array[at]! : array[at]!;
    });
  });
}

/** Adds the gradient that `dy` `[n, dimension]` gives the array to `to`. */
export function gradientRobePlain(
  tokens: RobeTokens,
  _array: Float32Array,
  dy: Float32Array,
  to: Float32Array,
): void {
  const { dimension, unique } = tokens;
  const sums = plainSums(tokens, dy);
  for (let k = 0; k < unique; k++) {
    eachNumber(tokens, k, (j, at, minus) => {
      const sum = sums[k * dimension + j]!;
      to[at]! += minus ? -sum : sum;
    });
  }
}

/** Where in the array each column of different id k is, and whether its sign is minus. */
export function eachNumber(
  { dimension: D, block, size, starts, words }: RobeTokens,
  k: number,
  visit: (j: number, at: number, minus: boolean) => void,
): void {
  const blocks = Math.ceil(D / block);
  const width = Math.ceil(D / 32);
  for (let j = 0; j < D; j++) {
    const at = (starts[k * blocks + Math.floor(j / block)]! + (j % block)) % size;
    visit(j, at, words !== undefined && ((words[k * width + (j >>> 5)]! >>> (j & 31)) & 1) === 1);
  }
}
