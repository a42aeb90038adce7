import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import type { JumpableRandomGenerator } from 'pure-rand/types/JumpableRandomGenerator';
import { ArgumentError } from '../errors.ts';

/** A seed, or a generator to draw from. Every stochastic function of Ockham takes one. */
export type Seed = number | Random;

/**
 * A seeded stream of random numbers (xoroshiro128+). The same seed gives the same numbers on every engine,
 * machine and browser.
 *
 * Streams are split by name: `random.stream('dropout')` depends on the seed and the name only, not on how many
 * numbers were drawn before, so a result does not depend on call order.
 *
 * @example
 * const random = new Random(7);
 * const order = random.stream('shuffle').permutation(60_000);
 */
export class Random {
  #key: readonly number[];
  #generator: JumpableRandomGenerator;
  #spare: number | undefined;

  /** @param seed A safe integer. */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed)) {
      throw new ArgumentError(`Random: the seed must be a safe integer, got ${seed}. Pass for example 7.`);
    }
    this.#key = hash(`${seed}`, [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x3c6ef372]);
    this.#generator = xoroshiro128plusFromState(this.#key);
  }

  /** An independent stream that depends only on this stream's seed and `name`. */
  stream(name: string | number): Random {
    const child = new Random(0);
    child.#rekey(hash(`/${name}`, this.#key));
    return child;
  }

  /** A number in [0, 1), 53 random bits. */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * uniformFloat64(this.#generator);
  }

  /** An integer in [0, n). */
  integer(n: number): number {
    return uniformInt(this.#generator, 0, n - 1);
  }

  /** A normal number (Box and Muller). */
  normal(mean = 0, standardDeviation = 1): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return mean + standardDeviation * spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return mean + standardDeviation * radius * Math.cos(angle);
  }

  /**
   * A number of the gamma distribution with density x^(shape-1) e^(-x) / Γ(shape) (Marsaglia and Tsang, 2000).
   *
   * @param shape Above 0; the mean and the variance.
   * @throws ArgumentError
   */
  gamma(shape: number): number {
    return Math.exp(this.#logGamma(shape));
  }

  /**
   * A number in [0, 1] of the beta distribution with density x^(a-1) (1-x)^(b-1) / B(a, b). From the logarithms of
   * two gamma numbers, so that a and b as small as 0.001 do not end in 0/0.
   *
   * @param a Above 0.
   * @param b Above 0.
   * @throws ArgumentError
   */
  beta(a: number, b: number): number {
    const x = this.#logGamma(a);
    return 1 / (1 + Math.exp(this.#logGamma(b) - x));
  }

  /** The integers 0 … n-1 in random order (Fisher and Yates). */
  permutation(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const swap = order[i]!;
      order[i] = order[j]!;
      order[j] = swap;
    }
    return order;
  }

  /** `k` different integers of 0 … n-1, in random order. */
  sample(n: number, k: number): Int32Array {
    return this.permutation(n).subarray(0, k);
  }

  /** A 31-bit seed for a library that wants a number. */
  seed(): number {
    return uniformInt(this.#generator, 0, 0x7fffffff);
  }

  /** Everything needed to go on from here: plain numbers, safe in JSON. */
  getState(): RandomState {
    return { key: [...this.#key], generator: [...this.#generator.getState()], spare: this.#spare ?? null };
  }

  /** A generator that continues exactly where `state` was taken. */
  static fromState(state: RandomState): Random {
    const random = new Random(0);
    random.#rekey(state.key);
    random.#generator = xoroshiro128plusFromState(state.generator);
    random.#spare = state.spare ?? undefined;
    return random;
  }

  #logGamma(shape: number): number {
    if (!(shape > 0 && shape < Infinity)) {
      throw new ArgumentError(
        `Random: the parameters of gamma and beta must be above 0, got ${shape}. Pass for example 1.`,
      );
    }
    // below 1 the method does not hold: X_shape = X_(shape+1) U^(1/shape)
    if (shape < 1) return this.#logGamma(shape + 1) + Math.log(1 - this.uniform()) / shape;
    const d = shape - 1 / 3;
    for (;;) {
      const x = this.normal();
      const v = (1 + x / Math.sqrt(9 * d)) ** 3;
      if (v <= 0) continue;
      if (Math.log(1 - this.uniform()) < x * x * 0.5 + d * (1 - v + Math.log(v))) return Math.log(d * v);
    }
  }

  #rekey(key: readonly number[]): void {
    this.#key = key;
    this.#generator = xoroshiro128plusFromState(key);
    this.#spare = undefined;
  }
}

/** See {@link Random.getState}. */
export interface RandomState {
  /** Which stream of which seed it is. */
  readonly key: readonly number[];
  /** How far the stream has been drawn from. */
  readonly generator: readonly number[];
  /** A normal number that was drawn and not yet given out, or `null`. */
  readonly spare: number | null;
}

/** The generator itself, or a new one from a number. */
export function toRandom(seed: Seed): Random {
  return seed instanceof Random ? seed : new Random(seed);
}

/** Four 32-bit words from a text and four words (multiply-xor rounds, finalised as in MurmurHash3). */
function hash(text: string, start: readonly number[]): number[] {
  const words = start.map((word) => word | 0);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    for (let w = 0; w < 4; w++) {
      words[w] =
        Math.imul(words[w]! ^ (code + w * 0x1f123bb5), 0x85ebca6b + w * 2) ^ (words[(w + 1) & 3]! >>> 15);
    }
  }
  for (let round = 0; round < 2; round++) {
    for (let w = 0; w < 4; w++) {
      let h = words[w]! + words[(w + 3) & 3]!;
      h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
      h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
      words[w] = h ^ (h >>> 16);
    }
  }
  return words;
}
