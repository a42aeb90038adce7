/**
 * Momentum and Adam for Tucker's form: moments of the gradients of K_out `[n, q]`, of K_in `[c, p]` and of the core. They go along with
 * bases and frames as those of `factor-moments.ts` do: the first as what it stands for, the second by the squares of the same
 * rotations. A core entry that is new on one side has the history that K_out or K_in has of it; where both sides are new it has none,
 * and its second moment is estimated from the two.
 */
import {
  add,
  dispose,
  div,
  keep,
  matMul,
  mul,
  sqrt,
  square,
  tensor2d,
  tidy,
  zeros,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { identity, multiply, transpose, type Matrix } from '@ockham/core/linalg';
import type { OptimizerSpec, Snapshot } from '@ockham/core/training';
import { spread, squares } from './factor-moments.ts';
import { timesSmall, toMatrix } from './small-matrices.ts';
import { byInputs, byOutputs, fromInputs, inBases, type Frames, type TuckerCore } from './tucker-core.ts';

/** β₂ and ε of TensorFlow.js' Adam. */
const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const;

/** `out` for K_out `[n, q]`, `in` for K_in `[c, p]`. */
export type TuckerSide = 'out' | 'in';

/** What a step of the core is taken in. */
export interface AugmentedCore {
  /** Ũ `[n, q + a]`, whose first q columns are U's. */
  readonly u: Tensor2D;
  /** Ṽ `[c, p + b]` */
  readonly v: Tensor2D;
  /** The frames of K_out and K_in. */
  readonly frames: Frames;
  /** Of the core, `[k·k, p + b, q + a]`. */
  readonly gradient: TuckerCore;
}

/** The state of an optimizer for one layer in Tucker's form. */
export class TuckerMoments {
  steps = 0;
  private readonly decay: number;
  private readonly second: boolean;
  /** First and second moment of K_out and K_in. */
  private sides: Record<TuckerSide, readonly Tensor2D[]>;
  /** Those before the gradients of the step that is being taken. */
  private before: Partial<Record<TuckerSide, readonly Tensor2D[]>> = {};
  /** First and second moment of the core. */
  private core: readonly TuckerCore[];

  constructor(
    spec: OptimizerSpec,
    [n, c]: readonly [number, number],
    { places, inputs, outputs }: TuckerCore,
  ) {
    this.second = spec.name === 'adam';
    this.decay = spec.name === 'sgd' ? 0 : spec.name === 'momentum' ? (spec.momentum ?? 0.9) : adam.beta1;
    const kinds = this.second ? [0, 1] : [0];
    this.sides = {
      out: kinds.map(() => keep(zeros([n, outputs]))),
      in: kinds.map(() => keep(zeros([c, inputs]))),
    };
    const empty = { places, inputs, outputs, values: new Float64Array(places * inputs * outputs) };
    this.core = kinds.map(() => empty);
  }

  /** Begins a step, before its first `direction`. */
  begin(): void {
    this.steps++;
    dispose(Object.values(this.before).flat());
    this.before = {};
  }

  /** The direction of K_out or K_in, with its gradient taken in; only what it spans counts. The caller disposes of it. */
  direction(side: TuckerSide, gradient: Tensor2D): Tensor2D {
    const [first, squared] = this.sides[side];
    const made = tidy(() => {
      const m = add<Tensor2D>(mul(first!, this.decay), mul(gradient, this.share));
      if (!squared) return [m];
      return [m, add<Tensor2D>(mul(squared, adam.beta2), mul(square(gradient), 1 - adam.beta2))];
    });
    this.before[side] = this.sides[side];
    this.sides[side] = made.map((tensor) => keep(tensor));
    const [m, v] = this.sides[side];
    return v ? tidy(() => div(m!, add(sqrt(v), adam.epsilon))) : m!.clone();
  }

  /**
   * The direction of the core in the augmented bases, after those of both sides.
   *
   * @returns It, and the moments behind it, for {@link carry}.
   */
  coreDirection({ u, v, frames, gradient }: AugmentedCore): {
    readonly direction: TuckerCore;
    readonly moments: readonly TuckerCore[];
  } {
    const first = mixed(this.embedded(0, { u, v, frames, gradient }), gradient, this.decay, this.share);
    if (!this.second) return { direction: first, moments: [first] };
    const squared = { ...gradient, values: gradient.values.map((value) => value * value) };
    const second = mixed(this.embedded(1, { u, v, frames, gradient }), squared, adam.beta2, 1 - adam.beta2);
    const [one, two] = [1 - adam.beta1 ** this.steps, 1 - adam.beta2 ** this.steps];
    const values = first.values.map(
      (value, i) => value / one / (Math.sqrt(Math.max(0, second.values[i]!) / two) + adam.epsilon),
    );
    return { direction: { ...first, values }, moments: [first, second] };
  }

  /**
   * Goes over to the bases Ũ `right` and Ṽ `left`.
   *
   * @param before The frames that the step was taken in.
   * @param frames Of the core in the new bases.
   */
  carry(moments: readonly TuckerCore[], before: Frames, frames: Frames, left: Matrix, right: Matrix): void {
    const { places } = moments[0]!;
    this.core = moments.map((core, i) =>
      i === 0 ? inBases(core, left, right) : inBases(core, squares(left), squares(right)),
    );
    const [p, q] = [before.inputs.columns, before.outputs.columns];
    const [oldIn, oldOut] = [top(left, p), top(right, q)];
    // the old frames, seen in the new basis of the other mode, against the new frames
    const seenOut = byOutputs(
      inBases({ places, inputs: p, outputs: q, values: before.outputs.values }, oldIn, identity(q)),
    );
    const core = fromInputs(before.inputs, places); // [k·k, p, q] in the layout of a core
    const seenIn = byInputs(inBases(core, identity(p), oldOut));
    const overlap = {
      out: multiply(seenOut, frames.outputs, { transposeA: true }),
      in: multiply(seenIn, frames.inputs, { transposeA: true }),
    };
    for (const side of ['out', 'in'] as const) {
      const old = this.sides[side];
      this.sides[side] = old.map((moment, i) =>
        keep(timesSmall(moment, i === 0 ? overlap[side] : spread(overlap[side]))),
      );
      dispose([...old]);
    }
  }

  async save(): Promise<Snapshot> {
    const arrays: Record<string, Float32Array | Float64Array> = {};
    const shapes: Record<string, readonly number[]> = {};
    for (const [side, moments] of Object.entries(this.sides)) {
      for (const [i, moment] of moments.entries()) {
        arrays[`${side}/${i}`] = (await moment.data()).slice() as Float32Array;
        shapes[`${side}/${i}`] = moment.shape;
      }
    }
    for (const [i, { values }] of this.core.entries()) arrays[`core/${i}`] = values.slice();
    return { meta: { steps: this.steps, shapes }, arrays };
  }

  restore({ meta, arrays }: Snapshot, { places, inputs, outputs }: TuckerCore): void {
    const shapes = meta['shapes'] as Record<string, [number, number]>;
    this.steps = meta['steps'] as number;
    this.core = this.core.map((_, i) => {
      return { places, inputs, outputs, values: (arrays[`core/${i}`] as Float64Array).slice() };
    });
    for (const side of ['out', 'in'] as const) {
      const old = this.sides[side];
      this.sides[side] = old.map((_, i) => {
        const name = `${side}/${i}`;
        return keep(tensor2d((arrays[name] as Float32Array).slice(), shapes[name]));
      });
      dispose([...old]);
    }
  }

  dispose(): void {
    dispose([...Object.values(this.sides), ...Object.values(this.before)].flat());
  }

  /** What a gradient adds to the first moment: momentum sums, Adam means. */
  private get share(): number {
    return this.second ? 1 - this.decay : 1;
  }

  /** The moment of before in the augmented bases. */
  private embedded(kind: 0 | 1, { u, v, frames, gradient }: AugmentedCore): TuckerCore {
    const { places, inputs, outputs } = gradient;
    const old = this.core[kind]!;
    const [p, q] = [old.inputs, old.outputs];
    const values = new Float64Array(gradient.values.length);
    const at = (s: number, i: number, j: number) => (s * inputs + i) * outputs + j;
    // rows of K_out along the new directions of Ũ, of K_in along those of Ṽ
    const out = rowsAlong(u, this.before.out![kind]!, kind);
    const into = rowsAlong(v, this.before.in![kind]!, kind);
    const means = { out: rowMeans(out), in: rowMeans(into) };
    const all = old.values.reduce((sum, value) => sum + value, 0) / old.values.length;
    const outNew = kind === 0 ? multiply(frames.outputs, transpose(out)) : undefined; // [k·k·p, q + a]
    const inNew = kind === 0 ? multiply(frames.inputs, transpose(into)) : undefined; // [k·k·q, p + b]
    for (let s = 0; s < places; s++) {
      for (let i = 0; i < inputs; i++) {
        for (let j = 0; j < outputs; j++) {
          values[at(s, i, j)] =
            i < p && j < q
              ? old.values[(s * p + i) * q + j]!
              : i < p
                ? (outNew?.values[(s * p + i) * outputs + j] ?? means.out[j]!)
                : j < q
                  ? (inNew?.values[(s * q + j) * inputs + i] ?? means.in[i]!)
                  : kind === 0 || !(all > 0)
                    ? 0
                    : (means.out[j]! * means.in[i]!) / all;
        }
      }
    }
    return { places, inputs, outputs, values };
  }
}

/** basisᵀ · moment, or that of the squares of the basis for a second moment. */
function rowsAlong(basis: Tensor2D, moment: Tensor2D, kind: 0 | 1): Matrix {
  const made = tidy(() =>
    matMul<Tensor2D>(kind === 0 ? basis : square<Tensor2D>(basis), moment, true, false),
  );
  const read = toMatrix(made);
  made.dispose();
  return read;
}

function rowMeans({ rows, columns, values }: Matrix): Float64Array {
  return Float64Array.from(
    { length: rows },
    (_, i) =>
      values.subarray(i * columns, (i + 1) * columns).reduce((sum, value) => sum + value, 0) / columns,
  );
}

/** decay · old + share · fresh. */
function mixed(old: TuckerCore, fresh: TuckerCore, decay: number, share: number): TuckerCore {
  return { ...fresh, values: old.values.map((value, i) => decay * value + share * fresh.values[i]!) };
}

/** The first rows. */
function top({ columns, values }: Matrix, rows: number): Matrix {
  return { rows, columns, values: values.subarray(0, rows * columns) };
}
