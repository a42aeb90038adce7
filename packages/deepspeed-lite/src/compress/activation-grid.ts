/**
 * Activations on 8-bit integers.
 *
 * Sources: one scale for each token, taken from the token itself, of ZeroQuant (Yao et al. 2022, section 3.1, "token-wise
 * quantization for activation"); one scale and zero point for all, found beforehand, of Jacob et al. 2018.
 * Deviations: an image counts as one token.
 */
import { ArgumentError } from '@ockham/core';
import { rowsOnGrid, type RowGrid } from '@ockham/core/kernels';
import {
  abs,
  add,
  clipByValue,
  customGrad,
  div,
  divNoNan,
  max,
  mul,
  round,
  sub,
  tidy,
  type Tensor,
} from '@tensorflow/tfjs-core';

/** Where the input of a layer may lie. */
export type ActivationGrid =
  /** Each token by its own largest magnitude: nothing to calibrate. */
  | { readonly kind: 'dynamic'; readonly bits: 8 }
  /** Every value at scale · (code − zero), code in [−128, 127]. */
  | { readonly kind: 'static'; readonly bits: 8; readonly scale: number; readonly zero: number };

/** The largest code of a symmetric byte. */
const MOST = 127;

/**
 * Activations moved onto their grid, with the gradient of the identity (straight-through).
 *
 * @param x `[batch, …, width]`. Of rank 4 an example is a token, else each vector of the last axis.
 *
 * @example
 * const y = matMul(fakeQuantizeActivations(x, { kind: 'dynamic', bits: 8 }), w);
 */
export function fakeQuantizeActivations(x: Tensor, grid: ActivationGrid): Tensor {
  const straightThrough = customGrad((given) => ({
    value: tidy(() => onGrid(given as Tensor, grid)),
    gradFunc: (dy: Tensor | Tensor[]) => dy,
  }));
  return straightThrough(x);
}

function onGrid(x: Tensor, grid: ActivationGrid): Tensor {
  if (grid.kind === 'static') {
    const { scale, zero } = grid;
    const rounded = rowsOnGrid(x, 1, stepsOf(grid));
    if (rounded) return rounded;
    const codes = clipByValue(add(round(div(x, scale)), zero), -MOST - 1, MOST);
    return mul(sub(codes, zero), scale);
  }
  const rounded = rowsOnGrid(x, x.rank === 4 ? x.shape[0] : x.size / x.shape.at(-1)!);
  if (rounded) return rounded;
  const axes = x.rank === 4 ? [1, 2, 3] : [-1];
  const scale = div(max(abs(x), axes, true), MOST);
  return mul(round(divNoNan(x, scale)), scale); // a token of zeros has scale 0
}

/** The multiples of the scale that a static grid has: code − zero. */
export function stepsOf({ scale, zero }: Extract<ActivationGrid, { kind: 'static' }>): RowGrid {
  return { scale, low: -MOST - 1 - zero, high: MOST - zero };
}

/**
 * Checks a grid that was read or given.
 *
 * @throws ArgumentError naming `who`.
 */
export function checkActivationGrid(who: string, grid: ActivationGrid): void {
  const { kind, bits } = grid;
  if ((kind !== 'dynamic' && kind !== 'static') || bits !== 8) {
    throw new ArgumentError(
      `${who}: activations must be of kind 'dynamic' or 'static' with 8 bits, got ${JSON.stringify(grid)}.`,
    );
  }
  if (kind === 'dynamic') return;
  const { scale, zero } = grid;
  if (scale > 0 && Number.isFinite(scale) && Number.isInteger(zero) && Math.abs(zero) <= MOST + 1) return;
  throw new ArgumentError(
    `${who}: a static activation grid needs a scale > 0 and an integer zero in [−128, 127], got ${scale} and ${zero}.`,
  );
}
