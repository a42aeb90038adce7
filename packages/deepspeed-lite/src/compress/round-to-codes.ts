/** The nearest code of each weight of a group that shares a scale. */
import { CODINGS, type Coding } from '@ockham/core/kernels';
import type { Scale } from './choose-scale.ts';

/** Writes the nearest codes into `codes`; halves go away from 0, those of floats to the even pattern. */
export function roundToCodes(values: Float32Array, coding: Coding, at: Scale, codes: Int8Array): void {
  const { scale, zero } = at;
  if (coding === 'binary') {
    for (let i = 0; i < values.length; i++) codes[i] = values[i]! < 0 ? -1 : 1;
  } else if (scale === 0) {
    codes.fill(zero);
  } else if (coding === 'ternary') {
    const threshold = at.threshold ?? scale / 2;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      codes[i] = value > threshold ? 1 : value < -threshold ? -1 : 0;
    }
  } else if (CODINGS[coding].values) {
    roundToFloats(values, coding, scale, codes);
  } else {
    const { low, high } = CODINGS[coding];
    const least = zero === 0 && coding === 'int8' ? -high : low; // −128 has no opposite that products could count on
    for (let i = 0; i < values.length; i++) {
      const x = values[i]! / scale;
      const whole = (x < 0 ? -Math.floor(0.5 - x) : Math.floor(x + 0.5)) + zero;
      codes[i] = whole < least ? least : whole > high ? high : whole;
    }
  }
}

/** Patterns of numbers ≥ 0 in rising order: patterns of floats are sorted as integers. */
function roundToFloats(values: Float32Array, coding: Coding, scale: number, codes: Int8Array): void {
  const numbers = CODINGS[coding].values!;
  const sign = numbers.length / 2;
  let most = sign - 1;
  while (!Number.isFinite(numbers[most]!)) most--;
  for (let i = 0; i < values.length; i++) {
    const x = Math.abs(values[i]! / scale);
    let [low, high] = [0, most];
    while (low < high) {
      const middle = (low + high) >> 1;
      const half = (numbers[middle]! + numbers[middle + 1]!) / 2;
      if (x < half || (x === half && (middle & 1) === 0)) high = middle;
      else low = middle + 1;
    }
    codes[i] = values[i]! < 0 && low > 0 ? low | sign : low; // a byte above 127 wraps to its int8, as codes are kept
  }
}
