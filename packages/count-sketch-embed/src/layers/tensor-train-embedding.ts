/**
 * The table as a tensor train of three cores: with |V| ≤ v₁v₂v₃ and D = d₁d₂d₃, row x = (x₁, x₂, x₃) is the product
 * G₁[x₁] · G₂[x₂] · G₃[x₃] of matrices d₁ × r₁, r₁ × d₂r₂ and r₂ × d₃.
 *
 * Source: Hrinchuk et al. 2020, "Tensorized embedding layers".
 * Deviations: cores start from normal laws of deviation (σ² / r₁r₂)^(1/6), so that the vectors have the deviation σ asked for.
 */
import { ArgumentError } from '@ockham/core';
import { matMul, reshape, serialization, type Tensor } from '@tensorflow/tfjs-core';
import {
  atLeastOne,
  CompressedEmbedding,
  distinct,
  type CompressedEmbeddingArgs,
  type LayerWeight,
  type TouchedRows,
} from './compressed-embedding.ts';
import { gatherRows } from './gather-rows.ts';

/** Three whole numbers ≥ 1. */
export type Triple = readonly [number, number, number];

/** How rows and columns of the table are numbered by three digits each. */
export interface TensorTrainFactors {
  /** v₁, v₂, v₃ with a product of at least |V|. */
  readonly vocabulary: Triple;
  /** d₁, d₂, d₃ with the product D. */
  readonly dimension: Triple;
}

/** Configuration of a {@link TensorTrainEmbedding}. */
export interface TensorTrainEmbeddingArgs extends CompressedEmbeddingArgs {
  /** Ranks r₁ and r₂. Default 16 and 16. */
  readonly ranks?: readonly [number, number];
  /** Default: v about the cube root of |V| each, and the three factors of D that are nearest each other. */
  readonly factors?: TensorTrainFactors;
}

/**
 * Weights `core1` `[v₁, d₁·r₁]`, `core2` `[v₂, r₁·d₂·r₂]` and `core3` `[v₃, r₂·d₃]`.
 *
 * @throws ArgumentError for ranks below 1 and factors whose products are not |V| or more, and D.
 *
 * @example
 * const words = new TensorTrainEmbedding({ vocabulary: 30522, dimension: 256, ranks: [16, 16] });
 */
export class TensorTrainEmbedding extends CompressedEmbedding {
  /** Names the class in saved models. @nocollapse */
  static className = 'TensorTrainEmbedding';
  /** See {@link TensorTrainEmbeddingArgs.ranks}. */
  readonly ranks: readonly [number, number];
  /** How |V| and D are cut into three factors each. */
  readonly factors: TensorTrainFactors;
  private cores: LayerWeight[] = [];

  constructor(args: TensorTrainEmbeddingArgs) {
    super(args);
    const who = 'TensorTrainEmbedding';
    const { ranks = [16, 16] } = args;
    const factors = args.factors ?? {
      vocabulary: coveringFactors(this.vocabulary),
      dimension: balancedFactors(this.dimension),
    };
    const { vocabulary: v, dimension: d } = factors;
    if (ranks.length !== 2 || v.length !== 3 || d.length !== 3) {
      throw new ArgumentError(
        `${who}: a train of three cores has 2 ranks and 3 factors of rows and of columns, got ${ranks.length}, ${v.length} and ${d.length}.`,
      );
    }
    for (const rank of ranks) atLeastOne(who, 'ranks', rank);
    for (const factor of [...v, ...d]) atLeastOne(who, 'factors', factor);
    const [rows, columns] = [v[0] * v[1] * v[2], d[0] * d[1] * d[2]];
    if (rows < this.vocabulary || columns !== this.dimension) {
      throw new ArgumentError(
        `${who}: factors must multiply to at least vocabulary = ${this.vocabulary} and to dimension = ${this.dimension}, got ${v.join('·')} = ${rows} and ${d.join('·')} = ${columns}.`,
      );
    }
    this.ranks = [ranks[0], ranks[1]];
    this.factors = { vocabulary: [...v], dimension: [...d] };
  }

  get parameters(): number {
    return this.#shapes().reduce((sum, [rows, width]) => sum + rows * width, 0);
  }

  get storedBytes(): number {
    return 4 * this.parameters;
  }

  override build(): void {
    const [r1, r2] = this.ranks;
    const deviation = (this.deviation ** 2 / (r1 * r2)) ** (1 / 6);
    this.cores = this.#shapes().map((shape, k) => this.addTable(`core${k + 1}`, [...shape], deviation));
    this.built = true;
  }

  protected override lookUp(ids: Int32Array): Tensor {
    const n = ids.length;
    const [d1, d2, d3] = this.factors.dimension;
    const [r1, r2] = this.ranks;
    const [first, second, third] = this.cores.map((core, k) =>
      gatherRows(
        core.read(),
        ids.map((x) => this.#digit(x, k)),
      ),
    ) as [Tensor, Tensor, Tensor];
    const left = matMul(reshape(first, [n, d1, r1]), reshape(second, [n, r1, d2 * r2])); // [n, d₁, d₂·r₂]
    const whole = matMul(reshape(left, [n, d1 * d2, r2]), reshape(third, [n, r2, d3])); // [n, d₁·d₂, d₃]
    return reshape(whole, [n, this.dimension]);
  }

  override rowsOf(ids: ArrayLike<number>): Float32Array {
    const [g1, g2, g3] = this.cores.map((core) => core.read().dataSync()) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const [d1, d2, d3] = this.factors.dimension;
    const [r1, r2] = this.ranks;
    const D = this.dimension;
    const result = new Float32Array(ids.length * D);
    for (let n = 0; n < ids.length; n++) {
      const [x1, x2, x3] = [0, 1, 2].map((k) => this.#digit(ids[n]!, k)) as [number, number, number];
      for (let j = 0; j < D; j++) {
        const [j1, j2, j3] = [Math.floor(j / (d2 * d3)), Math.floor(j / d3) % d2, j % d3];
        let sum = 0;
        for (let a = 0; a < r1; a++) {
          for (let b = 0; b < r2; b++) {
            const middle = g2[((x2 * r1 + a) * d2 + j2) * r2 + b]!;
            sum += g1[(x1 * d1 + j1) * r1 + a]! * middle * g3[(x3 * r2 + b) * d3 + j3]!;
          }
        }
        result[n * D + j] = sum;
      }
    }
    return result;
  }

  override touched(ids: ArrayLike<number>): TouchedRows[] {
    const all = Array.from(ids);
    return [0, 1, 2].map((k) => ({ weight: k, rows: distinct(all.map((x) => this.#digit(x, k))) }));
  }

  override getConfig(): serialization.ConfigDict {
    const { vocabulary, dimension } = this.factors;
    const factors = { vocabulary: [...vocabulary], dimension: [...dimension] };
    return { ...super.getConfig(), ranks: [...this.ranks], factors };
  }

  /** Digit k of an id, the first one the most significant. */
  #digit(id: number, k: number): number {
    const [, v2, v3] = this.factors.vocabulary;
    if (k === 2) return id % v3;
    return k === 1 ? Math.floor(id / v3) % v2 : Math.floor(id / (v2 * v3));
  }

  #shapes(): [number, number][] {
    const { vocabulary: v, dimension: d } = this.factors;
    const [r1, r2] = this.ranks;
    return [
      [v[0], d[0] * r1],
      [v[1], r1 * d[1] * r2],
      [v[2], r2 * d[2]],
    ];
  }
}

/** Three numbers near the cube root of n, the product not below n. */
function coveringFactors(n: number): Triple {
  const side = Math.max(1, Math.ceil(Math.cbrt(n) - 1e-9));
  const other = Math.ceil(Math.sqrt(n / side));
  return [Math.ceil(n / (side * other)), other, side];
}

/** The three factors of n with the smallest sum, increasing. */
function balancedFactors(n: number): Triple {
  let best: Triple = [1, 1, n];
  for (let a = 1; a * a * a <= n; a++) {
    if (n % a !== 0) continue;
    for (let b = a; a * b * b <= n; b++) {
      const c = n / (a * b);
      if (Number.isInteger(c) && a + b + c < best[0] + best[1] + best[2]) best = [a, b, c];
    }
  }
  return best;
}

serialization.registerClass(TensorTrainEmbedding);
