/**
 * Momentum and Adam for factors whose bases change in every step.
 *
 * Kept are the moments of the gradients of K, G V, and of L, GᵀU; those of S follow from them, UᵀGV = Uᵀ(GV). When
 * the bases change, the first moment is carried along as what it stands for, a matrix in the tangent space at U S Vᵀ,
 * projected onto the new bases; the second by the squares of the same rotations, which is right for entries that
 * are not correlated, and keeps it positive. The block of S between new directions has no history: its first moment
 * starts at 0, its second is estimated from its rows and columns (as Adafactor does, Shazeer and Stern 2018). So it is, at fixed
 * rank, with what a basis newly turns to.
 *
 * Sums are kept without the factors 1 − β, and decayed where they go over to the next bases, which saves passes over them.
 *
 * Deviation: the papers run an optimizer on K, L and S as they are, whatever the bases do.
 */
import {
  add,
  concat,
  div,
  dispose,
  keep,
  matMul,
  sqrt,
  square,
  tensor2d,
  tidy,
  zeros,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { matrix, multiply, transpose, type Matrix } from '@ockham/core/linalg';
import type { OptimizerSpec } from '@ockham/core/training';
import { timesSmall } from './small-matrices.ts';

/** β₁, β₂ and ε of TensorFlow.js' Adam. */
const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const;

/** `k` for the factor K `[n, r]`, `l` for L `[m, r]`. */
export type Side = 'k' | 'l';

/** The augmented bases and the gradient of S in them. */
export interface AugmentedGradient {
  /** Ũ `[n, r + a]` */
  readonly u: Tensor2D;
  /** Ṽ `[m, r + b]` */
  readonly v: Tensor2D;
  /** ŨᵀGṼ `[r + a, r + b]` */
  readonly gradient: Matrix;
}

/** The state of an optimizer for one pair of factors. */
export interface FactorMoments {
  /** Begins a step, before its first `direction`. */
  begin(): void;
  /**
   * Takes in the gradient of K or L; the direction is that of the optimizer but for the factor `gain`. The caller
   * disposes of it unless it is the gradient.
   */
  direction(side: Side, gradient: Tensor2D): Tensor2D;
  /** What Adam's corrections of the start multiply directions with; 1 elsewhere. */
  readonly gain: number;
  /** The direction of S in the augmented bases, `[r + a, r + b]`. */
  coreDirection(augmented: AugmentedGradient, rank: number): Matrix;
  /** Goes over to the bases Ũ `left` and Ṽ `right`. */
  carry(augmented: AugmentedGradient, left: Matrix, right: Matrix): void;
  /**
   * Goes over to another basis beside K or L: V to V₁ for `k`, U to U₁ for `l`. What is new in it has no history.
   *
   * @param overlap VᵀV₁ or UᵀU₁, `[r, r]`.
   */
  turn(side: Side, overlap: Matrix): void;
  /** By name, for snapshots. */
  tensors(): Readonly<Record<string, Tensor2D>>;
  restore(tensors: Readonly<Record<string, Tensor2D>>): void;
  /** Steps taken, for Adam's correction of the start. */
  steps: number;
  dispose(): void;
}

/** @param shape n and m. */
export function momentsFor(
  spec: OptimizerSpec,
  shape: readonly [n: number, m: number],
  rank: number,
): FactorMoments {
  switch (spec.name) {
    case 'sgd':
      return plain();
    case 'momentum':
      return new Moments(shape, rank, { decay: spec.momentum ?? 0.9, second: false });
    case 'adam':
      return new Moments(shape, rank, { decay: adam.beta1, second: true });
  }
}

function plain(): FactorMoments {
  return {
    steps: 0,
    gain: 1,
    begin: () => undefined,
    direction: (_, gradient) => gradient,
    coreDirection: ({ gradient }) => gradient,
    carry: () => undefined,
    turn: () => undefined,
    tensors: () => ({}),
    restore: () => undefined,
    dispose: () => undefined,
  };
}

/** The first and the second moment of a side. */
const names = { k: ['mK', 'vK'], l: ['mL', 'vL'] } as const;

interface MomentRule {
  readonly decay: number;
  /** Whether second moments divide. */
  readonly second: boolean;
}

class Moments implements FactorMoments {
  steps = 0;
  private state: Record<string, Tensor2D>;
  private readonly rule: MomentRule;
  /** Of the core in the augmented bases, between `coreDirection` and `carry`. */
  private first: Matrix | undefined;
  private second: Matrix | undefined;

  constructor([n, m]: readonly [number, number], rank: number, rule: MomentRule) {
    this.rule = rule;
    this.state = { mK: zeros([n, rank]), mL: zeros([m, rank]) };
    if (rule.second) Object.assign(this.state, { vK: zeros([n, rank]), vL: zeros([m, rank]) });
  }

  begin(): void {
    this.steps++;
  }

  direction(side: Side, gradient: Tensor2D): Tensor2D {
    const [first, squared] = names[side];
    this.replace(() => ({
      [first]: add(this.state[first]!, gradient),
      ...(this.rule.second && { [squared]: add(this.state[squared]!, square(gradient)) }),
    }));
    const m = this.state[first]!;
    if (!this.rule.second) return m.clone();
    const v = this.state[squared]!;
    return tidy(() => div(m, add(sqrt(v), this.epsilon)));
  }

  get gain(): number {
    const { decay, second } = this.rule;
    return second ? ((1 - decay) / (1 - decay ** this.steps)) * this.secondCorrection() : 1;
  }

  turn(side: Side, overlap: Matrix): void {
    const { decay, second } = this.rule;
    const [first, squared] = names[side];
    this.replace(() => ({
      [first]: timesSmall(this.state[first]!, times(overlap, decay)),
      ...(second && { [squared]: timesSmall(this.state[squared]!, times(spread(overlap), adam.beta2)) }),
    }));
  }

  coreDirection({ u, v, gradient }: AugmentedGradient, rank: number): Matrix {
    const { mK, mL, vK, vL } = this.state;
    this.first = framed(
      read(u, mK!),
      read(v, mL!),
      rank,
      (i, j) => gradient.values[i * gradient.columns + j]!,
    );
    if (!this.rule.second) return this.first;
    const [squaresU, squaresV] = [square(u), square(v)] as [Tensor2D, Tensor2D];
    const rows = read(squaresU, vK!);
    const columns = read(squaresV, vL!);
    dispose([squaresU, squaresV]);
    this.second = framed(rows, columns, rank, outerEstimate(rows, columns, rank));
    const { gain, epsilon } = this;
    const { values: seconds } = this.second;
    return {
      ...this.first,
      values: this.first.values.map(
        (value, i) => (gain * value) / (Math.sqrt(Math.max(0, seconds[i]!)) + epsilon),
      ),
    };
  }

  carry({ u, v }: AugmentedGradient, left: Matrix, right: Matrix): void {
    const { mK, mL, vK, vL } = this.state;
    const first = this.first!;
    const { decay, second } = this.rule;
    this.replace(() => ({
      mK: carried(mK!, u, first, times(right, decay)),
      mL: carried(mL!, v, transpose(first), times(left, decay)),
      ...(second && {
        vK: carried(vK!, square(u), this.second!, times(squares(right), adam.beta2)),
        vL: carried(vL!, square(v), transpose(this.second!), times(squares(left), adam.beta2)),
      }),
    }));
  }

  tensors(): Readonly<Record<string, Tensor2D>> {
    return this.state;
  }

  restore(tensors: Readonly<Record<string, Tensor2D>>): void {
    dispose(this.state);
    this.state = { ...tensors };
  }

  dispose(): void {
    dispose(this.state);
  }

  /** √((1 − β₂ᵗ) / (1 − β₂)): the root of the kept sum over that of Adam's mean. */
  private secondCorrection(): number {
    return Math.sqrt((1 - adam.beta2 ** this.steps) / (1 - adam.beta2));
  }

  /** Adam's ε beside the root of the kept sum. */
  private get epsilon(): number {
    return adam.epsilon * this.secondCorrection();
  }

  private replace(make: () => Record<string, Tensor2D>): void {
    const made = tidy(make);
    for (const [name, value] of Object.entries(made)) {
      this.state[name]?.dispose();
      this.state[name] = keep(value);
    }
  }
}

/** aᵀb, read from the engine. */
function read(a: Tensor2D, b: Tensor2D): Matrix {
  const product = tidy(() => matMul(a, b, true, false));
  const made = matrix(product.shape[0], product.shape[1]!, product.dataSync());
  product.dispose();
  return made;
}

function times(a: Matrix, factor: number): Matrix {
  return { ...a, values: a.values.map((value) => factor * value) };
}

/** Element by element. */
export function squares(a: Matrix): Matrix {
  return { ...a, values: a.values.map((value) => value * value) };
}

/** Squares of a rotation; what they lack of 1 in a column comes evenly from all columns of before. */
export function spread(overlap: Matrix): Matrix {
  const made = squares(overlap);
  const { rows, columns, values } = made;
  for (let j = 0; j < columns; j++) {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += values[i * columns + j]!;
    const share = Math.max(0, 1 - sum) / rows;
    for (let i = 0; i < rows; i++) values[i * columns + j]! += share;
  }
  return made;
}

/** The matrix with the first `rank` columns of `left`, the first rows of `right`ᵀ beside them, `corner` in the rest. */
function framed(left: Matrix, right: Matrix, rank: number, corner: (i: number, j: number) => number): Matrix {
  const [rows, columns] = [left.rows, right.rows];
  const values = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      values[i * columns + j] =
        j < rank ? left.values[i * rank + j]! : i < rank ? right.values[j * rank + i]! : corner(i, j);
    }
  }
  return { rows, columns, values };
}

/** What rows and columns say of the block where neither has a history: row mean · column mean / mean. */
function outerEstimate(left: Matrix, right: Matrix, rank: number): (i: number, j: number) => number {
  const sums = ({ rows, values }: Matrix) =>
    Float64Array.from({ length: rows }, (_, i) =>
      values.subarray(i * rank, (i + 1) * rank).reduce((sum, value) => sum + value, 0),
    );
  const rowSums = sums(left);
  const columnSums = sums(right);
  const total = rowSums.subarray(0, rank).reduce((sum, value) => sum + value, 0);
  return (i, j) => (total > 0 ? (rowSums[i]! * columnSums[j]!) / total : 0);
}

/** [moment | basis · (new columns of the core)] · rotation: the moment in the new basis. */
function carried(moment: Tensor2D, basis: Tensor2D, core: Matrix, rotation: Matrix): Tensor2D {
  const [, rank] = moment.shape;
  const fresh = core.columns - rank;
  const to = rotation.columns;
  const top = rotation.values.subarray(0, rank * to);
  if (fresh === 0) return matMul(moment, tensor2d(Float32Array.from(top), [rank, to]));
  const newColumns = matrix(core.rows, fresh);
  for (let i = 0; i < core.rows; i++) {
    for (let j = 0; j < fresh; j++)
      newColumns.values[i * fresh + j] = core.values[i * core.columns + rank + j]!;
  }
  const bottom = matrix(fresh, to, rotation.values.slice(rank * to));
  const inBasis = multiply(newColumns, bottom); // [r + a, r']
  const weights = new Float32Array((rank + core.rows) * to);
  weights.set(top);
  weights.set(inBasis.values, rank * to);
  return matMul(concat([moment, basis], 1), tensor2d(weights, [rank + core.rows, to]));
}
