/**
 * Layer-by-layer distillation: the quantised copy of a layer is fitted to what the float layer gives, on the inputs that the
 * copy really gets, which earlier layers have already changed.
 *
 * Source: ZeroQuant (Yao et al. 2022, section 3.2): min ‖f(x) − f̂(x̂)‖², one layer at a time, without labels.
 * Deviations: the minimum is found in closed form, not by gradient steps: the best float weights on the new inputs by least
 * squares, then rounding column by column, where the error of each input is made up for by those that are still to be rounded
 * (optimal brain surgery as in Frantar et al. 2022, "GPTQ", algorithm 1). No learning rate, no seed, the same bits each time.
 */
import { cholesky, choleskySolve, identity, matrix, multiply, type Matrix } from '@ockham/core/linalg';
import type { PackedMatrix } from '@ockham/core/kernels';
import { matMul, sum, tidy, type Tensor2D } from '@tensorflow/tfjs-core';
import { chooseScales, codingOf, packOnGrid, placeOf, type Grid } from './grid.ts';
import { roundToCodes } from './round-to-codes.ts';
import { CODINGS } from '@ockham/core/kernels';

/** Added to the diagonal of X̂ᵀX̂, as a part of its mean: GPTQ's. */
const DAMPING = 0.01;

/** Sums over rows of inputs: x of the float layer, x̂ of the quantised one. */
export interface InputSums {
  rows: number;
  /** Σ x̂ x̂ᵀ and Σ x̂ xᵀ, `[inputs, inputs]`. */
  readonly gram: Float64Array;
  readonly cross: Float64Array;
  /** Σ x̂ and Σ x, `[inputs]`. */
  readonly copyMean: Float64Array;
  readonly mean: Float64Array;
}

/** Sums of nothing. */
export function noSums(inputs: number): InputSums {
  const square = inputs * inputs;
  return {
    rows: 0,
    gram: new Float64Array(square),
    cross: new Float64Array(square),
    copyMean: new Float64Array(inputs),
    mean: new Float64Array(inputs),
  };
}

/** Adds rows, `[rows, inputs]` each. */
export async function addRows(sums: InputSums, x: Tensor2D, copyX: Tensor2D): Promise<void> {
  const parts = tidy(() => [
    matMul(copyX, copyX, true, false),
    matMul(copyX, x, true, false),
    sum(copyX, 0),
    sum(x, 0),
  ]);
  const to = [sums.gram, sums.cross, sums.copyMean, sums.mean];
  for (const [p, part] of parts.entries()) {
    const values = await part.data<'float32'>();
    part.dispose();
    for (let i = 0; i < values.length; i++) to[p]![i]! += values[i]!;
  }
  sums.rows += x.shape[0];
}

/** A fitted layer. */
export interface FittedLayer {
  readonly packed: PackedMatrix;
  /** The float weights that were rounded, `[outputs, inputs]`: what a low-rank compensation starts from. */
  readonly target: Float32Array;
  /** What the bias grows by, `[outputs]`; zeros where the layer has none. */
  readonly biasChange: Float32Array;
}

/**
 * Fits a layer's packed weights.
 *
 * @param weights `[outputs, inputs]`.
 * @param hasBias Whether a bias can take up the difference of means.
 */
export function fitLayer(
  weights: Float32Array,
  [outputs, inputs]: readonly [outputs: number, inputs: number],
  grid: Grid,
  sums: InputSums,
  hasBias: boolean,
): FittedLayer {
  const { gram, cross } = hasBias ? centred(sums, inputs) : sums;
  const H = damped(gram, inputs);
  const target = bestWeights(weights, outputs, inputs, H, gram, cross);
  const scales = chooseScales(target, outputs, inputs, grid);
  const { codes, rounded } = roundInTurn(target, outputs, inputs, grid, scales, inverseFactor(H));
  const biasChange = new Float32Array(outputs);
  for (let o = 0; hasBias && o < outputs; o++) {
    let difference = 0;
    for (let i = 0; i < inputs; i++) {
      const at = o * inputs + i;
      difference += weights[at]! * sums.mean[i]! - rounded[at]! * sums.copyMean[i]!;
    }
    biasChange[o] = difference / sums.rows;
  }
  return { packed: packOnGrid(codes, scales, [outputs, inputs], grid), target, biasChange };
}

function centred(sums: InputSums, inputs: number): Pick<InputSums, 'gram' | 'cross'> {
  const { rows, copyMean, mean } = sums;
  const [gram, cross] = [sums.gram.slice(), sums.cross.slice()];
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < inputs; j++) {
      gram[i * inputs + j]! -= (copyMean[i]! * copyMean[j]!) / rows;
      cross[i * inputs + j]! -= (copyMean[i]! * mean[j]!) / rows;
    }
  }
  return { gram, cross };
}

/** X̂ᵀX̂ + λ I. */
function damped(gram: Float64Array, inputs: number): Matrix {
  const values = gram.slice();
  let trace = 0;
  for (let i = 0; i < inputs; i++) trace += values[i * inputs + i]!;
  const lambda = DAMPING * (trace / inputs) || 1; // inputs that never change say nothing: plain rounding
  for (let i = 0; i < inputs; i++) values[i * inputs + i]! += lambda;
  return matrix(inputs, inputs, values);
}

/** argmin ‖X̂ V − X W‖² + λ ‖V − W‖² = W + (X̂ᵀX̂ + λI)⁻¹ X̂ᵀ(X − X̂) W, as rows. */
function bestWeights(
  weights: Float32Array,
  outputs: number,
  inputs: number,
  H: Matrix,
  gram: Float64Array,
  cross: Float64Array,
): Float32Array {
  const difference = matrix(
    inputs,
    inputs,
    cross.map((value, i) => value - gram[i]!),
  ); // X̂ᵀ(X − X̂)
  if (difference.values.every((value) => value === 0)) return weights;
  const rows = matrix(outputs, inputs, weights);
  const right = multiply(difference, rows, { transposeB: true }); // [inputs, outputs]
  const change = choleskySolve(cholesky(H), right);
  return weights.map(
    (value, at) => value + change.values[(at % inputs) * outputs + Math.floor(at / inputs)]!,
  );
}

/** The upper triangular R with R ᵀR = H⁻¹: row i says how the error of input i spreads over those after it. */
function inverseFactor(H: Matrix): Matrix {
  const { rows: n } = H;
  const inverse = choleskySolve(cholesky(H), identity(n));
  const lower = cholesky(symmetrised(inverse));
  const values = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = i; j < n; j++) values[i * n + j] = lower.values[j * n + i]!;
  return matrix(n, n, values);
}

function symmetrised({ rows: n, values }: Matrix): Matrix {
  const made = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) made[i * n + j] = (values[i * n + j]! + values[j * n + i]!) / 2;
  }
  return matrix(n, n, made);
}

/** Rounds every output's weights input by input; the later ones take over the error. */
function roundInTurn(
  target: Float32Array,
  outputs: number,
  inputs: number,
  grid: Grid,
  scales: ReturnType<typeof chooseScales>,
  { values: R }: Matrix,
): { codes: Int8Array; rounded: Float32Array } {
  const coding = codingOf(grid.bits);
  const patterns = CODINGS[coding].values;
  const codes = new Int8Array(outputs * inputs);
  const rounded = new Float32Array(outputs * inputs);
  const one = new Float32Array(1);
  const code = new Int8Array(1);
  for (let o = 0; o < outputs; o++) {
    const row = Float64Array.from(target.subarray(o * inputs, (o + 1) * inputs));
    for (let i = 0; i < inputs; i++) {
      const at = scales[placeOf(o, i, inputs, grid)]!;
      one[0] = row[i]!;
      roundToCodes(one, coding, at, code);
      const number = patterns ? patterns[code[0]! & (patterns.length - 1)]! : code[0]! - at.zero;
      codes[o * inputs + i] = code[0]!;
      rounded[o * inputs + i] = at.scale * number;
      const error = (row[i]! - at.scale * number) / R[i * inputs + i]!;
      for (let j = i + 1; j < inputs; j++) row[j]! -= error * R[i * inputs + j]!;
    }
  }
  return { codes, rounded };
}
