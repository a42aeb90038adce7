import { Random } from '@ockham/core/random';
import type { ExcitedStates } from '@ockham/quantum-game';

/** The levels of `hydrogen()`, by dense diagonalisation (the file h2_r0735_parity_2q of the bundled molecules). */
export const exactLevels: readonly number[] = [
  -1.8572750302023795, -1.244584549813327, -0.8827221502448641, -0.22491125283087043,
];

/** The largest error of the levels found, in hartree. */
export function worstError({ levels }: Pick<ExcitedStates, 'levels'>, constant = 0): number {
  return Math.max(...levels.map(({ energy }, i) => Math.abs(energy - constant - exactLevels[i]!)));
}

/** One random start for all levels: start `index` of a seed, the same for every method. */
export function sharedStart(seed: number, index: number, parameters: number, levels: number): Float64Array[] {
  const random = new Random(seed).stream(`start ${index}`);
  const start = Float64Array.from({ length: parameters }, () => random.uniform(-Math.PI, Math.PI));
  return new Array<Float64Array>(levels).fill(start);
}

/** The median; of an even number the higher of the middle two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
