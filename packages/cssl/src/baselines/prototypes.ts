import { ArgumentError } from '@ockham/core';

/**
 * The prototypes of one class: when there is no room, the two nearest are merged into their weighted mean.
 */
export class Prototypes {
  readonly capacity: number;
  readonly width: number;
  size = 0;
  readonly #vectors: Float32Array; // [capacity + 1, width]: the last place is for the newcomer
  readonly #counts: Float64Array;
  readonly #distances: Float64Array; // [capacity + 1, capacity + 1], squared, lower triangle

  /** @param capacity ≥ 1. */
  constructor(capacity: number, width: number) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new ArgumentError(`Prototypes: capacity must be an integer ≥ 1, got ${capacity}.`);
    }
    this.capacity = capacity;
    this.width = width;
    this.#vectors = new Float32Array((capacity + 1) * width);
    this.#counts = new Float64Array(capacity + 1);
    this.#distances = new Float64Array((capacity + 1) ** 2);
  }

  /** Bytes of the prototypes in use, their counts and the distances between them. */
  get bytes(): number {
    return this.size * (this.width * 4 + 8) + 8 * ((this.size * (this.size + 1)) / 2);
  }

  vector(i: number): Float32Array {
    return this.#vectors.subarray(i * this.width, (i + 1) * this.width);
  }

  /** How many examples are merged in prototype `i`. */
  count(i: number): number {
    return this.#counts[i]!;
  }

  add(z: ArrayLike<number>): void {
    this.#put(this.size, z, 1);
    this.size++;
    if (this.size <= this.capacity) return;
    const [low, high] = this.#nearestPair();
    const [a, b] = [this.#counts[low]!, this.#counts[high]!];
    const [u, v] = [this.vector(low), this.vector(high)];
    const merged = u.map((value, i) => (a * value + b * v[i]!) / (a + b));
    const last = this.size - 1;
    if (high !== last) this.#put(high, this.vector(last).slice(), this.#counts[last]!);
    this.size = last;
    this.#put(low, merged, a + b);
  }

  #put(at: number, z: ArrayLike<number>, count: number): void {
    this.#vectors.set(z, at * this.width);
    this.#counts[at] = count;
    for (let i = 0; i < this.size; i++) {
      if (i !== at) this.#distances[this.#pair(at, i)] = squaredDistance(this.vector(at), this.vector(i));
    }
  }

  #nearestPair(): [low: number, high: number] {
    let least = Infinity;
    let found: [number, number] = [0, 1];
    for (let i = 1; i < this.size; i++) {
      for (let j = 0; j < i; j++) {
        const distance = this.#distances[this.#pair(i, j)]!;
        if (distance < least) {
          least = distance;
          found = [j, i];
        }
      }
    }
    return found;
  }

  #pair(i: number, j: number): number {
    return Math.max(i, j) * (this.capacity + 1) + Math.min(i, j);
  }
}

function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}
