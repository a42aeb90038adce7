/**
 * One layer's kernel W = U S Vᵀ `[n, m]` and its KLS step (Schotthöfer et al. 2022, Algorithm 1; the talk's steps
 * 1 to 5). n outputs, m inputs; the kernel of TensorFlow.js is Wᵀ.
 *
 * With G = ∇_W loss, δ the gradient of the outputs and x the inputs: ∇_K = G V = δᵀ(xV), ∇_L = GᵀU = xᵀ(δU) and
 * ∇_S = ŨᵀGṼ = (δŨ)ᵀ(xṼ). All three are taken at the same W: K Vᵀ, U Lᵀ and the lifted Ũ S̃ Ṽᵀ are equal before they
 * move, since the augmented bases hold the old ones. So one pass forward and one back give all of them, exactly.
 *
 * Where the rank is fixed, one step is K, then L: U₁ spans the moved K, K − η∇_K = (W − ηG) V, then L₁ = (W − ηG)ᵀU₁,
 * W₁ = U₁L₁ᵀ. That is the Euler form of Lubich and Oseledets' splitting (2014) with its S step, which goes back, folded in:
 * W₁ − W is −η times an orthogonal projection of G, so that the loss falls as in gradient descent, for η < 2/L̂, without truncation.
 *
 * Deviations: S is kept diagonal where ranks are found, by the decomposition that truncates it; the step at fixed rank
 * is not the paper's, which projects S onto bases of K₁ and L₁ and needs a pass at the projected W to descend.
 */
import {
  add,
  customGrad,
  dispose,
  keep,
  matMul,
  sum,
  tensor2d,
  tidy,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { matrix, multiply, svd, transpose, type Matrix } from '@ockham/core/linalg';
import type { Snapshot } from '@ockham/core/training';
import { extendBasis } from './extend-basis.ts';
import type { AugmentedGradient, FactorMoments } from './factor-moments.ts';
import { inTurns, type Paused } from './in-turns.ts';
import { shaped, type LinearMap } from './linear-map.ts';
import type { LayerFactors } from './low-rank-layer.ts';
import { diagonal, timesSmall, toMatrix, total, toTensor } from './small-matrices.ts';
import { truncatedSvd } from './small-svd.ts';
import { turnBasis } from './turn-basis.ts';
import type { RankRule, Truncation } from './truncation.ts';

/** U diag(σ) Vᵀ outside of the engine. */
export interface FactorValues {
  /** `[n, r]` */
  readonly u: Matrix;
  /** `[r]` */
  readonly sigma: Float64Array;
  /** `[m, r]` */
  readonly v: Matrix;
}

/** What one pass back leaves of one call of the layer. */
interface Call {
  readonly x: Tensor;
  /** δ, `[P, n]`. */
  readonly delta: Tensor2D;
  /** xV, `[P, r]`. */
  readonly inner: Tensor2D;
}

/** The factors of a dense layer, or of a convolution as the matrix `[outputs, k·k·channels]`. */
export class MatrixFactors implements LayerFactors {
  private readonly map: LinearMap;
  private readonly moments: FactorMoments;
  /** λ of a regulariser λ‖W‖², whose gradient 2λW needs the factors only. */
  private readonly decay: number;
  private readonly needsInputGradient: boolean;
  private u: Tensor2D;
  private v: Tensor2D;
  /** S, `[r, r]`. */
  private core: Matrix;
  /** K = U S `[n, r]`: what passes forward and back multiply with. */
  private k: Tensor2D;
  private calls: Call[] = [];

  constructor(
    map: LinearMap,
    { u, sigma, v }: FactorValues,
    moments: FactorMoments,
    options: { readonly decay?: number; readonly needsInputGradient?: boolean } = {},
  ) {
    this.map = map;
    this.moments = moments;
    this.decay = options.decay ?? 0;
    this.needsInputGradient = options.needsInputGradient ?? true;
    this.u = keep(toTensor(u));
    this.v = keep(toTensor(v));
    this.core = diagonal(sigma);
    this.k = keep(timesSmall(this.u, this.core));
  }

  get rank(): number {
    return this.core.rows;
  }

  forward(x: Tensor, bias: Tensor1D): Tensor {
    const { map, needsInputGradient } = this;
    const product = customGrad((...given) => {
      const [input, offset] = given as unknown as [Tensor, Tensor1D];
      const save = given.at(-1) as unknown as (tensors: Tensor[]) => void;
      const inner = map.apply(input, this.v); // [P, r]
      // not fused: the stock wasm kernel adds the first bias to all where an operand is transposed
      const rows = add(matMul(inner, this.k, false, true), offset);
      save([input, inner]);
      const shape = map.outputShape(input.shape);
      return {
        value: shaped(rows, shape),
        gradFunc: (dy, saved) => {
          const [x0, inner0] = saved as [Tensor, Tensor2D];
          const delta: Tensor2D = shaped(dy, [dy.size / map.outputs, map.outputs]);
          this.calls.push({ x: keep(x0.clone()), delta: keep(delta.clone()), inner: keep(inner0.clone()) });
          const dx = needsInputGradient ? map.adjoint(matMul(delta, this.k), this.v, x0.shape) : x0.clone();
          return [dx, sum(delta, 0)];
        },
      };
    });
    return product(x, bias);
  }

  /**
   * Steps by what the passes back since the last step have left: where `rule` leaves only the rank of now, K and then L;
   * else K, L and S, then truncates.
   *
   * @returns The rank kept and the norm of what went.
   */
  step(learningRate: number, rule: RankRule): Truncation {
    try {
      return inTurns([this.stages(learningRate, rule)])[0]!;
    } finally {
      this.forget();
    }
  }

  /** {@link step} for several layers in turns; `forget` ends it. */
  *stages(learningRate: number, rule: RankRule): Paused<Truncation> {
    const { rank } = this;
    // a layer that the loss does not depend on
    if (this.calls.length === 0) return { rank, discarded: 0, bounded: false };
    this.moments.begin();
    const gradient = total(this.calls.map(({ delta, inner }) => matMul(delta, inner, true, false)));
    const k = this.moments.direction('k', gradient);
    if (rule.minRank === rule.maxRank && rule.maxRank === rank) return yield* this.turn(learningRate, k);
    return yield* this.augment(learningRate, rule, k);
  }

  /** K, L and S in augmented bases, truncated. */
  private *augment(learningRate: number, rule: RankRule, k: Tensor2D): Paused<Truncation> {
    const l = this.moments.direction(
      'l',
      this.gradientOfL(({ delta }) => matMul(delta, this.u)),
    );
    const left = yield* extendBasis(this.u, k);
    const right = yield* extendBasis(this.v, l);
    const augmented: AugmentedGradient = {
      u: left.basis,
      v: right.basis,
      gradient: this.coreGradient(left.basis, right.basis),
    };
    const direction = this.moments.coreDirection(augmented, this.rank);
    yield;
    const core = this.movedCore(direction, learningRate, left.lift, right.lift);
    const { u, s, v, ...truncation } = truncatedSvd(core, rule);
    yield;
    this.moments.carry(augmented, u, v);
    this.replace(timesSmall(augmented.u, u), timesSmall(augmented.v, v), diagonal(s));
    return truncation;
  }

  /** K, then L in the new basis of K: no truncation. */
  private *turn(learningRate: number, k: Tensor2D): Paused<Truncation> {
    const { moments, u, v, rank } = this;
    const shrink = 1 - 2 * this.decay * learningRate;
    const core = { ...this.core, values: this.core.values.map((value) => shrink * value) };
    const rate = learningRate * moments.gain;
    const left = yield* turnBasis(u, core, k, rate);
    moments.turn('l', left.overlap);
    const l = moments.direction(
      'l',
      this.gradientOfL(({ delta }) => matMul(delta, left.basis)),
    );
    const right = yield* turnBasis(v, multiply(core, left.overlap, { transposeA: true }), l, rate);
    moments.turn('k', right.overlap);
    this.replace(left.basis, right.basis, transpose(right.factor));
    return { rank, discarded: 0, bounded: false };
  }

  private gradientOfL(outer: (call: Call) => Tensor2D): Tensor2D {
    return total(this.calls.map((call) => this.map.gradient(call.x, outer(call))));
  }

  /** Drops what passes back have left, without a step. */
  forget(): void {
    for (const call of this.calls) dispose({ ...call });
    this.calls = [];
  }

  /** Values in both factors. */
  get kernels(): number {
    return this.rank * (this.map.inputs + this.map.outputs);
  }

  async save(): Promise<Snapshot> {
    const tensors = { u: this.u, v: this.v, ...this.moments.tensors() };
    const arrays: Record<string, Float32Array | Float64Array> = { core: this.core.values.slice() };
    for (const [name, of] of Object.entries(tensors))
      arrays[name] = (await of.data()).slice() as Float32Array;
    return { meta: { steps: this.moments.steps }, arrays };
  }

  restore({ meta, arrays }: Snapshot): void {
    const core = arrays['core'] as Float64Array;
    const rank = Math.sqrt(core.length);
    const tensors = tidy(() =>
      Object.fromEntries(
        Object.entries(arrays)
          .filter(([name]) => name !== 'core')
          .map(([name, values]) => [
            name,
            keep(tensor2d(values.slice() as Float32Array, [values.length / rank, rank])),
          ]),
      ),
    );
    const { u, v, ...moments } = tensors;
    this.replace(u!, v!, matrix(rank, rank, core.slice()));
    this.moments.steps = meta['steps'] as number;
    this.moments.restore(moments);
  }

  async values(): Promise<FactorValues> {
    const read = async (a: Tensor2D) => matrix(a.shape[0], a.shape[1], await a.data());
    const { u, s, v } = svd(this.core);
    return { u: multiply(await read(this.u), u), sigma: s, v: multiply(await read(this.v), v) };
  }

  dispose(): void {
    this.forget();
    this.moments.dispose();
    dispose([this.u, this.v, this.k]);
  }

  /** ŨᵀGṼ = (δŨ)ᵀ(xṼ). */
  private coreGradient(u: Tensor2D, v: Tensor2D): Matrix {
    const blocks = this.calls.map(({ x, delta }) =>
      matMul<Tensor2D>(matMul(delta, u), this.map.apply(x, v), true, false),
    );
    const block = total(blocks);
    return toMatrix(block);
  }

  /** (1 − 2ηλ) S̃ − η · direction, with the lifted S̃ = ŨᵀU S VᵀṼ. */
  private movedCore(direction: Matrix, learningRate: number, left: Matrix, right: Matrix): Matrix {
    const shrink = 1 - 2 * this.decay * learningRate;
    const lifted = multiply(multiply(left, this.core), right, { transposeB: true });
    return {
      ...lifted,
      values: lifted.values.map((value, i) => shrink * value - learningRate * direction.values[i]!),
    };
  }

  private replace(u: Tensor2D, v: Tensor2D, core: Matrix): void {
    dispose([this.u, this.v, this.k]);
    this.u = keep(u);
    this.v = keep(v);
    this.core = core;
    this.k = keep(timesSmall(u, core));
  }
}
