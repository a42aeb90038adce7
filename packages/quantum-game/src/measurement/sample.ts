import { ArgumentError } from '@ockham/core';
import { toRandom, type Seed } from '@ockham/core/random';

/** @throws ArgumentError where shots is no whole number from 1. */
export function checkShots(who: string, shots: number): void {
  if (!(Number.isSafeInteger(shots) && shots >= 1)) {
    throw new ArgumentError(`${who}: shots must be a whole number from 1, got ${shots}.`);
  }
}

/**
 * Measures every qubit of a state `shots` times.
 *
 * @param state `[2 · 2ⁿ]`, interleaved, of norm 1.
 * @param shots Whole number from 1.
 * @returns `[shots]`: indices of basis states, qubit 0 the least significant bit.
 * @throws ArgumentError for a state of another length, or shots out of range.
 */
export function sample(state: Float64Array, shots: number, seed: Seed): Int32Array {
  checkShots('sample', shots);
  if (state.length < 2 || (state.length & (state.length - 1)) !== 0) {
    throw new ArgumentError(`sample: a state has 2 · 2^n numbers, got ${state.length}.`);
  }
  const random = toRandom(seed);
  const sums = new Float64Array(state.length / 2);
  let total = 0;
  for (let b = 0; b < sums.length; b++) {
    total += state[2 * b]! ** 2 + state[2 * b + 1]! ** 2;
    sums[b] = total;
  }
  return Int32Array.from({ length: shots }, () => firstAbove(sums, total * random.uniform()));
}

function firstAbove(sums: Float64Array, value: number): number {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
