/**
 * The subspace that the gradient of one kernel is projected onto: r directions of its shorter side.
 *
 * G `[m, n]` becomes PᵀG `[r, n]` where m ≤ n, else GP `[m, r]` (GaLore, definition 3.6). P are the leading singular vectors of G, or
 * r columns of the DCT chosen by ‖D_jᵀG‖: those that keep most of ‖G‖_F.
 */
import {
  keep,
  matMul,
  square,
  sum,
  tensor1d,
  tensor2d,
  tidy,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { DataError, NonFiniteError } from '@ockham/core';
import { matrix, randomisedSvd, svd } from '@ockham/core/linalg';
import type { Random } from '@ockham/core/random';
import { cosineColumns, largest } from './cosine-basis.ts';

/** How the subspace is found. */
export type GaLoreBasis = 'svd' | 'randomised' | 'dct';

export class Projection {
  readonly rows: number;
  readonly columns: number;
  readonly rank: number;
  private readonly basis: GaLoreBasis;
  /** P `[shorter side, r]`, or for the DCT the numbers `[r]` of its columns. */
  private held: Tensor2D | Tensor1D | undefined;
  /** The same numbers, for no step to read them back. */
  private chosen: Int32Array | undefined;

  constructor(rows: number, columns: number, rank: number, basis: GaLoreBasis) {
    this.rows = rows;
    this.columns = columns;
    this.rank = rank;
    this.basis = basis;
  }

  /** Whether P multiplies from the left: it belongs to the shorter side, rows where both are equal. */
  get left(): boolean {
    return this.rows <= this.columns;
  }

  /** Values that are held between steps: m r of P, or r numbers of columns. */
  get size(): number {
    return this.rank * (this.basis === 'dct' ? 1 : Math.min(this.rows, this.columns));
  }

  /** Whether P was found. */
  get found(): boolean {
    return this.held !== undefined;
  }

  /** Finds P anew, for the gradient `[m, n]`. Reads it back, or with the DCT the norms alone. */
  refresh(gradient: Tensor2D, random: Random): void {
    const found =
      this.basis === 'dct' ? this.chooseColumns(gradient) : this.singularVectors(gradient, random);
    this.held?.dispose();
    this.held = keep(found);
  }

  /** P `[shorter side, r]`, once it is found; in a `tidy`. */
  matrix(): Tensor2D {
    if (this.chosen) return cosineColumns(Math.min(this.rows, this.columns), this.chosen);
    return this.held as Tensor2D;
  }

  /** PᵀG or GP. */
  project(gradient: Tensor2D, P: Tensor2D): Tensor2D {
    return this.left ? matMul(P, gradient, true) : matMul(gradient, P);
  }

  /** PN or NPᵀ, `[m, n]`. */
  lift(step: Tensor2D, P: Tensor2D): Tensor2D {
    return this.left ? matMul(P, step) : matMul(step, P, false, true);
  }

  /** What a checkpoint keeps; owned by this. */
  save(): Tensor | undefined {
    return this.held;
  }

  /** @throws DataError if the state is of another rank, basis or layer. */
  restore(state: Tensor | undefined, layer: string): void {
    const side = Math.min(this.rows, this.columns);
    const shape = this.basis === 'dct' ? [this.rank] : [side, this.rank];
    if (state && state.shape.join() !== shape.join()) {
      throw new DataError(
        'checkpoint-mismatch',
        `gaLore: the checkpoint has a basis of [${state.shape.join(', ')}] for ${layer}, these options one of [${shape.join(', ')}]. Use the options that it was written with, or remove it.`,
      );
    }
    this.held?.dispose();
    this.held = state && (keep(state.clone()) as Tensor2D | Tensor1D);
    this.chosen = this.basis === 'dct' ? state && Int32Array.from(state.dataSync()) : undefined;
  }

  dispose(): void {
    this.held?.dispose();
    this.held = undefined;
    this.chosen = undefined;
  }

  private singularVectors(gradient: Tensor2D, random: Random): Tensor2D {
    const G = matrix(this.rows, this.columns, Float64Array.from(gradient.dataSync()));
    const { rank } = this;
    const { u, v } = this.basis === 'svd' ? svd(G, { rank }) : randomisedSvd(G, rank, { seed: random });
    const P = this.left ? u : v;
    return tensor2d(Float32Array.from(P.values), [P.rows, P.columns]);
  }

  private chooseColumns(gradient: Tensor2D): Tensor1D {
    const side = Math.min(this.rows, this.columns);
    const scores = tidy(() => {
      const D = cosineColumns(
        side,
        Int32Array.from({ length: side }, (_, j) => j),
      );
      const spectrum = this.project(gradient, D); // DᵀG, or GD
      return sum(square(spectrum), this.left ? 1 : 0).dataSync();
    });
    if (!scores.every(Number.isFinite)) {
      throw new NonFiniteError(
        "gaLore: a gradient is no longer finite. Lower the learning rate, or check the inputs' range.",
      );
    }
    this.chosen = largest(scores, this.rank, this.chosen);
    return tensor1d(this.chosen, 'int32');
  }
}
