/**
 * One layer's kernel W = U diag(σ) Vᵀ `[n, m]` and its KLS step (Schotthöfer et al. 2022, Algorithm 1; the talk's steps
 * 1 to 5). n outputs, m inputs; the kernel of TensorFlow.js is Wᵀ.
 *
 * With G = ∇_W loss, δ the gradient of the outputs and x the inputs: ∇_K = G V = δᵀ(xV), ∇_L = GᵀU = xᵀ(δU) and
 * ∇_S = ŨᵀGṼ = (δŨ)ᵀ(xṼ). All three are taken at the same W: K Vᵀ, U Lᵀ and the lifted Ũ S̃ Ṽᵀ are equal before they
 * move, since the augmented bases hold the old ones. So one pass forward and one back give all of them, exactly.
 *
 * Deviations: S is kept diagonal, by the decomposition that truncates it; in the fixed-rank mode the bases are augmented
 * too and the result is cut to the rank, where the paper projects S onto bases of rank r.
 */
import {
  add,
  customGrad,
  dispose,
  keep,
  matMul,
  mul,
  reshape,
  sum,
  tensor1d,
  tensor2d,
  tidy,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { NonFiniteError } from '@ockham/core';
import { matrix, multiply, type Matrix } from '@ockham/core/linalg';
import type { Snapshot } from '@ockham/core/training';
import { extendBasis } from './extend-basis.ts';
import type { AugmentedGradient, Directions, FactorMoments } from './factor-moments.ts';
import type { LinearMap } from './linear-map.ts';
import type { LayerFactors } from './low-rank-layer.ts';
import { truncatedSvd } from './small-svd.ts';
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
  /** δU, `[P, r]`. */
  readonly outer: Tensor2D;
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
  private scale: Tensor1D;
  private calls: Call[] = [];
  sigma: Float64Array;

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
    this.sigma = sigma;
    this.scale = keep(tensor1d(Float32Array.from(sigma)));
  }

  get rank(): number {
    return this.sigma.length;
  }

  forward(x: Tensor, bias: Tensor1D): Tensor {
    const { map, needsInputGradient } = this;
    const product = customGrad((...given) => {
      const [input, offset] = given as unknown as [Tensor, Tensor1D];
      const save = given.at(-1) as unknown as (tensors: Tensor[]) => void;
      const inner = map.apply(input, this.v); // [P, r]
      // not fused: the stock wasm kernel adds the first bias to all where an operand is transposed
      const rows = add(matMul(mul(inner, this.scale), this.u, false, true), offset);
      save([input, inner]);
      const shape = map.outputShape(input.shape);
      return {
        value: reshape(rows, shape),
        gradFunc: (dy, saved) => {
          const [x0, inner0] = saved as [Tensor, Tensor2D];
          const delta: Tensor2D = reshape(dy, [-1, map.outputs]);
          const outer: Tensor2D = matMul(delta, this.u); // [P, r]
          this.calls.push({
            x: keep(x0.clone()),
            delta: keep(delta.clone()),
            inner: keep(inner0.clone()),
            outer: keep(outer),
          });
          const dx = needsInputGradient ? map.adjoint(mul(outer, this.scale), this.v, x0.shape) : x0.clone();
          return [dx, sum(delta, 0)];
        },
      };
    });
    return product(x, bias);
  }

  /**
   * Steps K, L and S by what the passes back since the last step have left, then truncates.
   *
   * @returns The rank kept and the norm of what went.
   */
  step(learningRate: number, rule: RankRule): Truncation {
    const { calls } = this;
    // a layer that the loss does not depend on
    if (calls.length === 0) return { rank: this.rank, discarded: 0, bounded: false };
    try {
      return tidy(() => {
        const gradients: Directions = {
          k: total(calls.map(({ delta, inner }) => matMul(delta, inner, true, false))),
          l: total(calls.map(({ x, outer }) => this.map.gradient(x, outer))),
        };
        const directions = this.moments.directions(gradients);
        const left = extendBasis(this.u, directions.k);
        const right = extendBasis(this.v, directions.l);
        const augmented: AugmentedGradient = {
          u: left.basis,
          v: right.basis,
          gradient: this.coreGradient(left.basis, right.basis),
        };
        const direction = this.moments.coreDirection(augmented, this.rank);
        const core = this.movedCore(direction, learningRate, left.lift, right.lift);
        const { u, s, v, ...truncation } = truncatedSvd(core, rule);
        this.moments.carry(augmented, u, v);
        this.replace(matMul(augmented.u, toTensor(u)), matMul(augmented.v, toTensor(v)), s);
        return truncation;
      });
    } finally {
      this.forget();
    }
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
    const arrays: Record<string, Float32Array | Float64Array> = { sigma: this.sigma.slice() };
    for (const [name, of] of Object.entries(tensors))
      arrays[name] = (await of.data()).slice() as Float32Array;
    return { meta: { steps: this.moments.steps }, arrays };
  }

  restore({ meta, arrays }: Snapshot): void {
    const sigma = arrays['sigma'] as Float64Array;
    const tensors = tidy(() =>
      Object.fromEntries(
        Object.entries(arrays)
          .filter(([name]) => name !== 'sigma')
          .map(([name, values]) => [
            name,
            keep(tensor2d(values.slice() as Float32Array, [values.length / sigma.length, sigma.length])),
          ]),
      ),
    );
    const { u, v, ...moments } = tensors;
    this.replace(u!, v!, sigma.slice());
    this.moments.steps = meta['steps'] as number;
    this.moments.restore(moments);
  }

  async values(): Promise<FactorValues> {
    const read = async (a: Tensor2D) => matrix(a.shape[0], a.shape[1], await a.data());
    return { u: await read(this.u), sigma: this.sigma.slice(), v: await read(this.v) };
  }

  dispose(): void {
    this.forget();
    this.moments.dispose();
    dispose([this.u, this.v, this.scale]);
  }

  /** ŨᵀGṼ = (δŨ)ᵀ(xṼ). */
  private coreGradient(u: Tensor2D, v: Tensor2D): Matrix {
    const blocks = this.calls.map(({ x, delta }) =>
      matMul<Tensor2D>(matMul(delta, u), this.map.apply(x, v), true, false),
    );
    const block = total(blocks);
    const values = block.dataSync();
    if (!values.every(Number.isFinite)) {
      throw new NonFiniteError(
        "dlrt: a gradient is no longer finite. Lower the learning rate, or check the inputs' range.",
      );
    }
    return matrix(block.shape[0], block.shape[1], values);
  }

  /** (1 − 2ηλ) S̃ − η · direction, with the lifted S̃ = ŨᵀU S VᵀṼ. */
  private movedCore(direction: Matrix, learningRate: number, left: Matrix, right: Matrix): Matrix {
    const shrink = 1 - 2 * this.decay * learningRate;
    const scaled = {
      ...left,
      values: left.values.map((value, i) => shrink * value * this.sigma[i % left.columns]!),
    };
    const lifted = multiply(scaled, right, { transposeB: true });
    return {
      ...lifted,
      values: lifted.values.map((value, i) => value - learningRate * direction.values[i]!),
    };
  }

  private replace(u: Tensor2D, v: Tensor2D, sigma: Float64Array): void {
    dispose([this.u, this.v, this.scale]);
    this.u = keep(u);
    this.v = keep(v);
    this.sigma = sigma;
    this.scale = keep(tensor1d(Float32Array.from(sigma)));
  }
}

function toTensor({ rows, columns, values }: Matrix): Tensor2D {
  return tensor2d(Float32Array.from(values), [rows, columns]);
}

function total(parts: readonly Tensor2D[]): Tensor2D {
  return parts.length === 1 ? parts[0]! : parts.reduce((whole, part) => add(whole, part));
}
