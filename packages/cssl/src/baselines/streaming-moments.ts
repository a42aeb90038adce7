import { ArgumentError } from '@ockham/core';
import { cholesky, choleskySolve, type Matrix } from '@ockham/core/linalg/matrices';

/**
 * Class means and the covariance within classes, one vector at a time (Welford's update): at any moment those of all vectors seen, to
 * rounding.
 */
export class StreamingMoments {
  readonly width: number;
  readonly #means = new Map<number, { count: number; mean: Float64Array }>();
  readonly #scatter: Float64Array; // [width, width], lower triangle: Σ over vectors of (z − μ_y)(z − μ_y)ᵀ
  #count = 0;

  constructor(width: number) {
    this.width = width;
    this.#scatter = new Float64Array(width * width);
  }

  /** Vectors seen. */
  get count(): number {
    return this.#count;
  }

  get labels(): number[] {
    return [...this.#means.keys()].sort((a, b) => a - b);
  }

  get bytes(): number {
    return 8 * (this.#scatter.length + this.#means.size * (this.width + 2)); // a label and a count with each mean
  }

  /** @param z `[width]`, finite. */
  add(z: ArrayLike<number>, label: number): void {
    const { width } = this;
    let own = this.#means.get(label);
    if (!own) this.#means.set(label, (own = { count: 0, mean: new Float64Array(width) }));
    const weight = own.count / (own.count + 1);
    own.count++;
    this.#count++;
    const d = Float64Array.from({ length: width }, (_, i) => z[i]! - own.mean[i]!);
    for (let i = 0; i < width; i++) own.mean[i]! += d[i]! / own.count;
    if (weight === 0) return;
    for (let i = 0; i < width; i++) {
      const scaled = weight * d[i]!;
      if (scaled === 0) continue;
      const row = i * width;
      for (let j = 0; j <= i; j++) this.#scatter[row + j]! += scaled * d[j]!;
    }
  }

  mean(label: number): Float64Array | undefined {
    return this.#means.get(label)?.mean;
  }

  /** Covariance within classes, divisor n: `[width, width]`. */
  covariance(): Matrix {
    const { width } = this;
    const values = new Float64Array(width * width);
    for (let i = 0; i < width; i++) {
      for (let j = 0; j <= i; j++) {
        const value = this.#scatter[i * width + j]! / Math.max(1, this.#count);
        values[i * width + j] = value;
        values[j * width + i] = value;
      }
    }
    return { rows: width, columns: width, values };
  }

  /**
   * The linear discriminant of the classes seen: scores `wₖ·z + bₖ` with wₖ = Λμₖ, bₖ = −½ μₖ·Λμₖ and
   * Λ = [(1 − ε)Σ + εI]⁻¹.
   *
   * @param epsilon ε, shrinkage in (0, 1].
   */
  discriminant(epsilon: number): Discriminant {
    const { width, labels } = this;
    if (labels.length === 0)
      throw new ArgumentError('StreamingMoments: add at least one vector before a discriminant is made.');
    const shrunk = this.covariance();
    for (let i = 0; i < shrunk.values.length; i++) shrunk.values[i]! *= 1 - epsilon;
    for (let i = 0; i < width; i++) shrunk.values[i * width + i]! += epsilon;
    const means = new Float64Array(width * labels.length); // [width, classes]
    for (const [k, label] of labels.entries()) {
      const mean = this.#means.get(label)!.mean;
      for (let i = 0; i < width; i++) means[i * labels.length + k] = mean[i]!;
    }
    const rightSide = { rows: width, columns: labels.length, values: means };
    const { values: weights } = choleskySolve(cholesky(shrunk), rightSide);
    const biases = new Float64Array(labels.length);
    for (let i = 0; i < weights.length; i++) biases[i % labels.length]! -= (weights[i]! * means[i]!) / 2;
    return { labels, weights, biases };
  }
}

/** A linear classifier. */
export interface Discriminant {
  /** Class of each column. */
  readonly labels: readonly number[];
  /** `[width, classes]` */
  readonly weights: Float64Array;
  /** `[classes]` */
  readonly biases: Float64Array;
}
