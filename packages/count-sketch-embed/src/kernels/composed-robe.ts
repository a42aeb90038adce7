import {
  gather,
  mul,
  reshape,
  tensor1d,
  tensor2d,
  tidy,
  unsortedSegmentSum,
  type Tensor,
  type Rank,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { eachNumber } from './plain-robe.ts';
import type { RobeTokens } from './tokens.ts';

/** Vectors of the tokens, `[n, D]`, by operations of any engine. */
export function composedRobeLookUp(array: Tensor, tokens: RobeTokens): Tensor2D {
  return tidy(() => {
    const { at, signs } = numbersOf(tokens);
    return gather<Tensor2D>(mul(gather(array, at), signs), tensor1d(tokens.places, 'int32'));
  });
}

/** The gradient of the array, `[m]`. */
export function composedRobeGradient(_array: Tensor, tokens: RobeTokens, dy: Tensor2D): Tensor {
  return tidy(() => {
    const { unique, dimension } = tokens;
    const { at, signs } = numbersOf(tokens);
    const sums = unsortedSegmentSum(dy, tensor1d(tokens.places, 'int32'), unique);
    const flat: [number] = [unique * dimension];
    return unsortedSegmentSum(reshape(mul(sums, signs), flat), reshape<Rank.R1>(at, flat), tokens.size);
  });
}

/** Of each different id, `[unique, D]`. */
function numbersOf(tokens: RobeTokens): { at: Tensor2D; signs: Tensor2D } {
  const { unique, dimension: D } = tokens;
  const at = new Int32Array(unique * D);
  const signs = new Float32Array(unique * D).fill(1);
  for (let k = 0; k < unique; k++) {
    eachNumber(tokens, k, (j, place, minus) => {
      at[k * D + j] = place;
      if (minus) signs[k * D + j] = -1;
    });
  }
  return { at: tensor2d(at, [unique, D], 'int32'), signs: tensor2d(signs, [unique, D]) };
}
