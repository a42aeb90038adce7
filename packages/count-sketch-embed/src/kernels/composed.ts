import {
  gather,
  mul,
  reshape,
  tensor1d,
  tensor2d,
  tidy,
  unsortedSegmentSum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
} from '@tensorflow/tfjs-core';
import { medianOfMeans, type Estimate } from '../layers/estimators.ts';
import type { SketchTokens } from './tokens.ts';

/** Vectors of the tokens, `[n, D]`, by operations of any engine. */
export function composedLookUp(sketch: Tensor, tokens: SketchTokens): Tensor2D {
  return tidy(() => {
    const { value } = estimate(sketch, tokens);
    return gather(value, tensor1d(tokens.places, 'int32')) as Tensor2D;
  });
}

/** The gradient of the sketch, `[rows, D]`. */
export function composedGradient(sketch: Tensor, tokens: SketchTokens, dy: Tensor2D): Tensor2D {
  return tidy(() => {
    const { slots, dimension, places, unique } = tokens;
    const sums = unsortedSegmentSum(dy, tensor1d(places, 'int32'), unique);
    const { rows, signs, gradient } = estimate(sketch, tokens);
    const toRows = mul(reshape(gradient(sums), [slots.length, dimension]), signs);
    return unsortedSegmentSum(toRows, rows, sketch.shape[0]) as Tensor2D;
  });
}

function estimate(
  sketch: Tensor,
  { hashes, groups, dimension, slots, words }: SketchTokens,
): Estimate & { rows: Tensor1D; signs: Tensor2D } {
  const rows = tensor1d(
    slots.map((slot) => (slot >> 1) / dimension),
    'int32',
  );
  const signs = words
    ? tensor2d(signsOf(words, slots.length, dimension), [slots.length, dimension])
    : tensor2d(
        Float32Array.from(slots, (slot) => (slot & 1 ? -1 : 1)),
        [slots.length, 1],
      );
  const values = reshape(mul(gather(sketch, rows), signs), [slots.length / hashes, hashes, dimension]);
  return { rows, signs, ...medianOfMeans(values as Tensor3D, groups) };
}

/** `[n, dimension]`. */
function signsOf(words: Int32Array, n: number, dimension: number): Float32Array {
  const width = words.length / n;
  const signs = new Float32Array(n * dimension).fill(1);
  for (let k = 0, at = 0; k < n; k++)
    for (let j = 0; j < dimension; j++, at++)
      if ((words[k * width + (j >>> 5)]! >>> (j & 31)) & 1) signs[at] = -1;
  return signs;
}
