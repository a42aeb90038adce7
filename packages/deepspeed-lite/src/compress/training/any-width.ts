/**
 * Fake quantisation to any whole number of bits: a training that lowers its bits passes through widths that no file holds.
 */
import { ArgumentError } from '@ockham/core';
import {
  abs,
  clipByValue,
  customGrad,
  div,
  max,
  maximum,
  mul,
  pad,
  reshape,
  round,
  slice,
  tidy,
  transpose,
  type Tensor,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { fakeQuantize, type FakeQuantizeOptions, type Grid } from '../grid.ts';

/** A grid whose integers may have any width from 2 to 16 bits. */
export type WidthGrid = Omit<Grid, 'bits'> & { readonly bits: number | Extract<Grid['bits'], string> };

const STORED: ReadonlySet<unknown> = new Set([8, 4, 3, 2]);

/** Keeps a scale of zeros from dividing by 0. */
const LEAST_SCALE = 1e-12;

/** Whether a file can hold a grid of these bits. */
export function isStored(bits: WidthGrid['bits']): bits is Grid['bits'] {
  return typeof bits === 'string' || STORED.has(bits);
}

/**
 * {@link fakeQuantize} for every width: those that can be stored go to the bit where they will be stored, the others to the
 * nearest of 2^bits − 1 values around 0, with the gradient of the identity.
 *
 * @throws ArgumentError for a width that is not a whole number in [2, 16].
 */
export function fakeQuantizeToWidth(
  w: Tensor2D,
  grid: WidthGrid,
  options: FakeQuantizeOptions = {},
): Tensor2D {
  const { bits, granularity = 'channel' } = grid;
  if (isStored(bits)) return fakeQuantize(w, { ...grid, bits }, options);
  if (!(Number.isInteger(bits) && bits >= 2 && bits <= 16))
    throw new ArgumentError(`fakeQuantize: bits must be a whole number in [2, 16], got ${bits}.`);
  const turned = options.layout !== 'outputs-inputs';
  const straightThrough = customGrad((x) => ({
    value: tidy(() => {
      const rows = turned ? transpose(x as Tensor) : (x as Tensor);
      const rounded = roundRows(rows as Tensor2D, bits, granularity);
      return turned ? transpose(rounded) : rounded;
    }),
    gradFunc: (dy: Tensor | Tensor[]) => dy,
  }));
  return straightThrough(w) as Tensor2D;
}

/** Rows `[outputs, inputs]`, every group on its own scale. */
function roundRows(rows: Tensor2D, bits: number, granularity: NonNullable<Grid['granularity']>): Tensor2D {
  const [outputs, inputs] = rows.shape;
  if (granularity === 'tensor') return reshape(roundTo(reshape(rows, [1, rows.size]), bits), rows.shape);
  const group = typeof granularity === 'object' ? Math.min(granularity.group, inputs) : inputs;
  const groups = Math.ceil(inputs / group);
  const padded = pad(rows, [[0, 0], [0, groups * group - inputs]]); // prettier-ignore
  const rounded = roundTo(reshape(padded, [outputs * groups, group]), bits);
  return slice(reshape(rounded, [outputs, groups * group]), [0, 0], [outputs, inputs]) as Tensor2D;
}

/** Each row to the nearest multiple of its largest magnitude ÷ (2^(bits − 1) − 1). */
function roundTo(rows: Tensor, bits: number): Tensor {
  const top = 2 ** (bits - 1) - 1;
  const scale = maximum(div(max(abs(rows), -1, true), top), LEAST_SCALE);
  return mul(clipByValue(round(div(rows, scale)), -top, top), scale);
}
