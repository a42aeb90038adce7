/**
 * One number from the d that a count-sketch has of it, each along the axis of the hashes, with gradients.
 *
 * Deviations: for an even number of values the median is the mean of the middle two. Its gradient goes to the values that
 * carry it, in equal parts where several are equal; the paper says nothing of either. Where one of the values is NaN the
 * estimate is NaN, so that a table that has diverged shows.
 */
import {
  add,
  any,
  cast,
  div,
  equal,
  expandDims,
  isNaN,
  maximum,
  mean,
  minimum,
  mul,
  ones,
  reshape,
  sum,
  unstack,
  where,
  type Tensor,
  type Tensor3D,
} from '@tensorflow/tfjs-core';

/** How a token's vector is made from its d rows. */
export type Estimator = 'median' | 'mean' | 'median-of-means';

/** Value `[n, D]` of d values `[n, d, D]`, and the gradient `[n, d, D]` for one of the value. */
export interface Estimate {
  readonly value: Tensor;
  readonly gradient: (dy: Tensor) => Tensor;
}

/** The median over the hashes. */
function medianOf(values: Tensor3D): Estimate {
  const sorted = sortNetwork(unstack(values, 1)); // d of [n, D]
  const lower = sorted[(sorted.length - 1) >> 1]!;
  const upper = sorted[sorted.length >> 1]!;
  const middle = lower === upper ? lower : mul(add(lower, upper), 0.5);
  return {
    value: sorted.length === 1 ? middle : where(any(isNaN(values), 1), NaN, middle), // engines differ in minima with NaN
    gradient: (dy) => {
      const share = (middle: Tensor) => {
        const carries = cast(equal(values, expandDims(middle, 1)), 'float32'); // [n, d, D]
        return div(carries, sum(carries, 1, true));
      };
      const shares = lower === upper ? share(lower) : mul(add(share(lower), share(upper)), 0.5);
      return mul(shares, expandDims(dy, 1));
    },
  };
}

/** The median of the means of `groups` equal groups of neighbouring hashes. */
export function medianOfMeans(values: Tensor3D, groups: number): Estimate {
  const [n, d, D] = values.shape;
  const size = d / groups;
  const means = mean<Tensor3D>(reshape(values, [n, groups, size, D]), 2); // [n, groups, D]
  const { value, gradient } = medianOf(means);
  return {
    value,
    gradient: (dy) => {
      const ofMeans = div(expandDims(gradient(dy), 2), size); // [n, groups, 1, D]
      return reshape(mul(ofMeans, ones([n, groups, size, D])), [n, d, D]);
    },
  };
}

/** One estimate in plain TypeScript. */
export function plainEstimate(values: ArrayLike<number>, estimator: Estimator, groups: number): number {
  const d = values.length;
  const size = estimator === 'median' ? 1 : estimator === 'mean' ? d : d / groups;
  const means = new Float64Array(d / size);
  for (let i = 0; i < d; i++) means[Math.floor(i / size)]! += values[i]! / size;
  means.sort();
  if (Number.isNaN(means[means.length - 1])) return NaN; // sorted behind all numbers
  return (means[(means.length - 1) >> 1]! + means[means.length >> 1]!) / 2;
}

/** Odd-even transposition: d rounds of element-wise minimum and maximum of neighbours. */
function sortNetwork(values: readonly Tensor[]): Tensor[] {
  const sorted = [...values];
  for (let round = 0; round < sorted.length; round++) {
    for (let i = round % 2; i + 1 < sorted.length; i += 2) {
      const [a, b] = [sorted[i]!, sorted[i + 1]!];
      sorted[i] = minimum(a, b);
      sorted[i + 1] = maximum(a, b);
    }
  }
  return sorted;
}
