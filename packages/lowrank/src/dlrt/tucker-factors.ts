/**
 * One convolution's kernel in Tucker's form on its channels, W = C ×_in V ×_out U, and its step: the KLS step of the talk for every mode
 * at once (Ceruti, Kusch and Lubich 2023; Zangrando et al. 2023, for convolutions). U `[n, q]`, V `[c, p]`, C `[k·k, p, q]`.
 *
 * With C as a matrix Q_out R, the factor of the outputs is K_out = U Rᵀ and ∇K_out = G (V ⊗ I) Q_out: the layer with Q_out in the place
 * of C gives it. So for the inputs, with C = Q_in R read along its inputs. Both, and ∇C in the augmented bases [U | K_out], [V | K_in],
 * are taken at the same W, as in `matrix-factors.ts`, so that one pass forward and one back give all. Then C, lifted, steps, and is
 * truncated mode by mode.
 *
 * Deviations: the two modes of the kernel's places stay whole (k is 3 or 5); those of `matrix-factors.ts`; at fixed rank the step is the
 * same, truncated to the rank.
 */
import {
  add,
  customGrad,
  dispose,
  keep,
  matMul,
  reshape,
  sum,
  tensor2d,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import { transpose, type Matrix } from '@ockham/core/linalg';
import type { Layer, OptimizerSpec, Snapshot } from '@ockham/core/training';
import { extendBasis } from './extend-basis.ts';
import type { Paused } from './in-turns.ts';
import { linearMapOf, shaped, type LinearMap } from './linear-map.ts';
import type { LayerFactors } from './low-rank-layer.ts';
import { timesSmall, toMatrix, total, toTensor } from './small-matrices.ts';
import type { RankRule, Truncation } from './truncation.ts';
import {
  byOutputs,
  framesOf,
  fromInputs,
  inBases,
  truncateTucker,
  tuckerSize,
  type Frames,
  type TuckerCore,
  type TuckerRanks,
} from './tucker-core.ts';
import { TuckerMoments } from './tucker-moments.ts';

/** W = C ×_in V ×_out U outside of the engine. */
export interface TuckerValues {
  readonly core: TuckerCore;
  /** `[n, q]`, orthonormal. */
  readonly u: Matrix;
  /** `[c, p]`, orthonormal. */
  readonly v: Matrix;
}

/** The rules of both modes. */
export interface TuckerRule {
  readonly inputs: RankRule;
  readonly outputs: RankRule;
}

/** What one pass back leaves of one call of the layer. */
interface Call {
  readonly x: Tensor4D;
  /** δ, `[P, n]`. */
  readonly delta: Tensor2D;
  /** xV, `[batch, rows, columns, p]`. */
  readonly inner: Tensor4D;
  /** δU, `[P, q]`. */
  readonly outer: Tensor2D;
}

/** The factors of a convolution in Tucker's form. */
export class TuckerFactors implements LayerFactors {
  private readonly layer: Layer;
  private readonly kernel: readonly [number, number];
  private readonly moments: TuckerMoments;
  private readonly decay: number;
  private readonly needsInputGradient: boolean;
  private u: Tensor2D;
  private v: Tensor2D;
  private core: TuckerCore;
  /** C `[k·k·p, q]`, on the engine. */
  private c: Tensor2D;
  private calls: Call[] = [];

  constructor(
    layer: Layer,
    { core, u, v }: TuckerValues,
    spec: OptimizerSpec,
    options: { readonly decay?: number; readonly needsInputGradient?: boolean } = {},
  ) {
    this.layer = layer;
    this.kernel = (layer.weights[0]!.shape as number[]).slice(0, 2) as [number, number];
    this.moments = new TuckerMoments(spec, [u.rows, v.rows], core);
    this.decay = options.decay ?? 0;
    this.needsInputGradient = options.needsInputGradient ?? true;
    this.u = keep(toTensor(u));
    this.v = keep(toTensor(v));
    this.core = core;
    this.c = keep(toTensor(byOutputs(core)));
  }

  get rank(): TuckerRanks {
    return [this.core.inputs, this.core.outputs];
  }

  /** Values in the core and both factors. */
  get kernels(): number {
    return tuckerSize(this.core.places, this.v.shape[0], this.u.shape[0], this.rank);
  }

  forward(x: Tensor, bias: Tensor1D): Tensor {
    const n = this.u.shape[0];
    const map = this.map(this.core.inputs, this.core.outputs);
    const product = customGrad((...given) => {
      const [input, offset] = given as unknown as [Tensor4D, Tensor1D];
      const save = given.at(-1) as unknown as (tensors: Tensor[]) => void;
      const inner = channels(input, this.v);
      const rows = add(matMul(map.apply(inner, this.c), this.u, false, true), offset);
      save([input, inner]);
      return {
        value: shaped(rows, [...map.outputShape(inner.shape).slice(0, 3), n]),
        gradFunc: (dy, saved) => {
          const [x0, inner0] = saved as [Tensor4D, Tensor4D];
          const delta: Tensor2D = shaped(dy, [dy.size / n, n]);
          const outer = matMul<Tensor2D>(delta, this.u);
          this.calls.push({
            x: keep(x0.clone()),
            delta: keep(delta.clone()),
            inner: keep(inner0.clone()),
            outer: keep(outer),
          });
          const dx = this.needsInputGradient
            ? channels(map.adjoint(outer, this.c, inner0.shape) as Tensor4D, this.v, true)
            : x0.clone();
          return [dx, sum(delta, 0)];
        },
      };
    });
    return product(x, bias);
  }

  /** The step of all modes, in turns with other layers; `forget` ends it. */
  *stages(
    learningRate: number,
    { inputs, outputs }: TuckerRule,
  ): Paused<Pick<Truncation, 'discarded' | 'bounded'>> {
    // a layer that the loss does not depend on
    if (this.calls.length === 0) return { discarded: 0, bounded: false };
    const { moments, core } = this;
    moments.begin();
    const frames = framesOf(core);
    const right = yield* extendBasis(this.u, moments.direction('out', this.gradientOfOutputs(frames)));
    const left = yield* extendBasis(this.v, moments.direction('in', this.gradientOfInputs(frames)));
    const gradient = this.coreGradient(right.basis, left.basis);
    const step = moments.coreDirection({ u: right.basis, v: left.basis, frames, gradient });
    const shrink = 1 - 2 * this.decay * learningRate;
    const lifted = inBases(core, transpose(left.lift), transpose(right.lift));
    const moved = {
      ...lifted,
      values: lifted.values.map((value, i) => shrink * value - learningRate * step.direction.values[i]!),
    };
    const cut = truncateTucker(moved, inputs, outputs);
    yield;
    moments.carry(step.moments, frames, framesOf(cut.core), cut.left, cut.right);
    this.replace(timesSmall(right.basis, cut.right), timesSmall(left.basis, cut.left), cut.core);
    return { discarded: cut.discarded, bounded: cut.bounded };
  }

  /** Drops what passes back have left, without a step. */
  forget(): void {
    for (const call of this.calls) dispose({ ...call });
    this.calls = [];
  }

  async values(): Promise<TuckerValues> {
    const read = async (a: Tensor2D) => {
      return { rows: a.shape[0], columns: a.shape[1], values: Float64Array.from(await a.data()) };
    };
    return { core: this.core, u: await read(this.u), v: await read(this.v) };
  }

  async save(): Promise<Snapshot> {
    const { meta, arrays } = await this.moments.save();
    const own = { u: (await this.u.data()).slice(), v: (await this.v.data()).slice() };
    const moments = Object.entries(arrays).map(([name, values]) => [`moments/${name}`, values] as const);
    return {
      meta: { ranks: this.rank, moments: meta },
      arrays: {
        ...(own as Record<string, Float32Array>),
        core: this.core.values.slice(),
        ...Object.fromEntries(moments),
      },
    };
  }

  restore({ meta, arrays }: Snapshot): void {
    const [inputs, outputs] = meta['ranks'] as TuckerRanks;
    const { places } = this.core;
    const core = { places, inputs, outputs, values: (arrays['core'] as Float64Array).slice() };
    const read = (name: string, columns: number) => {
      const values = (arrays[name] as Float32Array).slice();
      return tensor2d(values, [values.length / columns, columns]);
    };
    this.replace(read('u', outputs), read('v', inputs), core);
    const prefix = 'moments/';
    const own = Object.entries(arrays).filter(([name]) => name.startsWith(prefix));
    this.moments.restore(
      {
        meta: meta['moments'] as Snapshot['meta'],
        arrays: Object.fromEntries(own.map(([name, values]) => [name.slice(prefix.length), values])),
      },
      core,
    );
  }

  dispose(): void {
    this.forget();
    this.moments.dispose();
    dispose([this.u, this.v, this.c]);
  }

  /** The layer's convolution with so many channels. */
  private map(inputs: number, outputs: number): LinearMap {
    return linearMapOf(this.layer, [...this.kernel, inputs, outputs]);
  }

  /** G (V ⊗ I) Q_out, `[n, q]`. */
  private gradientOfOutputs({ outputs }: Frames): Tensor2D {
    const frame = toTensor(outputs);
    const map = this.map(this.core.inputs, outputs.columns);
    return total(this.calls.map(({ inner, delta }) => matMul(delta, map.apply(inner, frame), true, false)));
  }

  /** `[c, p]` */
  private gradientOfInputs({ inputs }: Frames): Tensor2D {
    const core = fromInputs(inputs, this.core.places);
    const frame = toTensor(byOutputs(core));
    const map = this.map(core.inputs, core.outputs);
    return total(
      this.calls.map(({ x, outer, inner }) => {
        const back = map.adjoint(outer, frame, inner.shape);
        return matMul(pixels(x), pixels(back), true, false);
      }),
    );
  }

  /** Of the core, in the augmented bases. */
  private coreGradient(u: Tensor2D, v: Tensor2D): TuckerCore {
    const [inputs, outputs] = [v.shape[1], u.shape[1]];
    const map = this.map(inputs, outputs);
    const parts = this.calls.map(({ x, delta }) => map.gradient(channels(x, v), matMul(delta, u)));
    return { places: this.core.places, inputs, outputs, values: toMatrix(total(parts)).values };
  }

  private replace(u: Tensor2D, v: Tensor2D, core: TuckerCore): void {
    dispose([this.u, this.v, this.c]);
    this.u = keep(u);
    this.v = keep(v);
    this.core = core;
    this.c = keep(toTensor(byOutputs(core)));
  }
}

/** One row for each pixel. */
function pixels(x: Tensor): Tensor2D {
  const width = x.shape.at(-1)!;
  return shaped(x, [x.size / width, width]);
}

/** A convolution of 1×1: every pixel's channels times a factor. */
function channels(x: Tensor4D, factor: Tensor2D, transposed = false): Tensor4D {
  const made = matMul<Tensor2D>(pixels(x), factor, false, transposed);
  return reshape(made, [...x.shape.slice(0, 3), made.shape[1]] as Tensor4D['shape']);
}
