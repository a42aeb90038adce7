/**
 * The few numbers that a weight may take: integers of 8 to 2 bits, three or two values, or tiny floats, times a scale in half
 * precision that a group of weights shares.
 *
 * Sources: integers as Jacob et al. 2018; groups of inputs as ZeroQuant (Yao et al. 2022, section 3.1), whose weights and
 * activations in FP8 and FP4 are of ZeroQuant-FP (Wu et al. 2023); the straight-through gradient of Bengio et al. 2013.
 * Deviations: a scale is rounded to half precision before codes are chosen, so that what is trained or measured is what
 * the file holds.
 */
import { ArgumentError, NonFiniteError } from '@ockham/core';
import { CODINGS, packCodes, type Coding, type PackedMatrix } from '@ockham/core/kernels';
import { customGrad, tensor2d, tidy, transpose, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { chooseScale, type Scale } from './choose-scale.ts';
import { roundToCodes } from './round-to-codes.ts';

/** Bits of a weight, or the name of what is not an integer. */
export type GridBits = 8 | 4 | 3 | 2 | 'ternary' | 'binary' | 'fp8-e4m3' | 'fp8-e5m2' | 'fp4-e2m1';

/**
 * How far a grid reaches: `minmax` to the largest weight of the group; `{ percentile }` to that percentile of magnitudes, in
 * (0, 100]; `mse` to where the squared error of the group is least. Ternary: `minmax` is the threshold 0.7 · mean |w| of Li
 * et al. 2016, `mse` the exact optimum. Binary is mean |w| in any case, the optimum (Rastegari et al. 2016).
 */
export type GridRange = 'minmax' | 'mse' | { readonly percentile: number };

/** Where weights may lie. */
export interface Grid {
  /** Bits of a code. */
  readonly bits: GridBits;
  /**
   * Integers only: true, the default, for codes around 0; false for a zero point of each scale, which takes a byte
   * more and suits weights that lie to one side.
   */
  readonly symmetric?: boolean;
  /** What shares a scale: the whole matrix, an output, or so many consecutive inputs of an output. Default `channel`. */
  readonly granularity?: 'tensor' | 'channel' | { readonly group: number };
  /** Default `minmax`, as quantisation-aware training needs it at every step. */
  readonly range?: GridRange;
}

/** Every kind of grid and how it is coded. */
const CODING_OF: Readonly<Record<GridBits, Coding>> = {
  8: 'int8',
  4: 'int4',
  3: 'int3',
  2: 'int2',
  ternary: 'ternary',
  binary: 'binary',
  'fp8-e4m3': 'fp8-e4m3',
  'fp8-e5m2': 'fp8-e5m2',
  'fp4-e2m1': 'fp4-e2m1',
};

/** The coding of a grid in a packed matrix. */
export function codingOf(bits: GridBits): Coding {
  return CODING_OF[bits];
}

/**
 * Checks a grid at the door.
 *
 * @throws ArgumentError naming `who` and the rule: a bit width out of range, a group below 1, a percentile out of (0, 100].
 */
export function checkGrid(who: string, grid: Grid): void {
  const { bits, symmetric = true, granularity = 'channel', range = 'minmax' } = grid;
  const isNumber = typeof bits === 'number';
  if (!Object.hasOwn(CODING_OF, bits) || isNumber !== codingOf(bits).startsWith('int')) {
    throw new ArgumentError(
      `${who}: bits must be 8, 4, 3, 2, 'ternary', 'binary', 'fp8-e4m3', 'fp8-e5m2' or 'fp4-e2m1', got ${String(bits)}.`,
    );
  }
  const known = granularity === 'tensor' || granularity === 'channel';
  const group = known ? 1 : ((granularity as { group?: unknown } | null)?.group ?? Number.NaN);
  if (!(Number.isInteger(group) && (group as number) >= 1)) {
    throw new ArgumentError(
      `${who}: granularity must be 'tensor', 'channel' or { group } with an integer ≥ 1, got ${JSON.stringify(granularity)}.`,
    );
  }
  if (!symmetric && !isNumber) {
    throw new ArgumentError(`${who}: only integers may be asymmetric, got ${bits}. Leave symmetric out.`);
  }
  if (range === 'minmax' || range === 'mse') return;
  const percentile = (range as { percentile?: unknown } | null)?.percentile as number;
  if (!(percentile > 0 && percentile <= 100)) {
    throw new ArgumentError(
      `${who}: range must be 'minmax', 'mse' or { percentile } in (0, 100], got ${JSON.stringify(range)}.`,
    );
  }
  if (bits === 'ternary' || bits === 'binary') {
    throw new ArgumentError(`${who}: ${bits} weights have no percentile. Use 'minmax' or 'mse'.`);
  }
}

/**
 * Chooses scales and the nearest codes. The one place that does: what is trained, measured and stored agrees to the bit.
 *
 * @param values `[outputs, inputs]`, row-major; the transpose of a dense kernel.
 * @returns About 0.26 bytes a weight for 2 bits with one scale for each output of 256 inputs.
 * @throws ArgumentError for a grid out of range or weights too large for a scale in half precision; NonFiniteError for NaN and
 *   infinity.
 *
 * @example
 * const packed = quantize(Float32Array.of(0.7, -0.1, 0.32, 0), [1, 4], { bits: 4, granularity: { group: 2 } });
 * dequantize(packed); // [0.7, -0.1, 0.32, 0] nearly
 */
export function quantize(
  values: Float32Array,
  [outputs, inputs]: readonly [outputs: number, inputs: number],
  grid: Grid,
): PackedMatrix {
  checkGrid('quantize', grid);
  if (values.length !== outputs * inputs) {
    throw new ArgumentError(
      `quantize: values of [${outputs}, ${inputs}] must be ${outputs * inputs}, got ${values.length}.`,
    );
  }
  const scales = chooseScales(values, outputs, inputs, grid);
  return packOnGrid(codesOf(values, outputs, inputs, grid, scales), scales, [outputs, inputs], grid);
}

/** Options of {@link fakeQuantize}. */
export interface FakeQuantizeOptions {
  /**
   * `inputs-outputs`, the default, for a dense kernel, or a convolution's reshaped to `[height · width · channels, filters]`;
   * `outputs-inputs` for a table of embeddings, whose rows have scales.
   */
  readonly layout?: 'inputs-outputs' | 'outputs-inputs';
}

/**
 * A weight moved onto a grid, for training: the values of {@link quantize} and `dequantize`, bit for bit, and the gradient of
 * the identity (straight-through).
 *
 * @param w `[inputs, outputs]`, or as `layout` says.
 * @throws As {@link quantize}.
 *
 * @example
 * const loss = () => meanSquaredError(y, matMul(x, fakeQuantize(w, { bits: 4 })));
 */
export function fakeQuantize(w: Tensor2D, grid: Grid, options: FakeQuantizeOptions = {}): Tensor2D {
  checkGrid('fakeQuantize', grid);
  const { layout = 'inputs-outputs' } = options;
  const turned = layout === 'inputs-outputs';
  const straightThrough = customGrad((x) => ({
    value: tidy(() => {
      const rows = (turned ? transpose(x as Tensor) : x) as Tensor2D;
      const [outputs, inputs] = rows.shape;
      const quantised = tensor2d(nearest(rows.dataSync<'float32'>(), outputs, inputs, grid), rows.shape);
      return turned ? transpose(quantised) : quantised;
    }),
    gradFunc: (dy: Tensor | Tensor[]) => dy,
  }));
  return straightThrough(w) as Tensor2D;
}

/** Inputs that share a scale, as a packed matrix counts them. */
function groupOf({ granularity = 'channel' }: Grid, inputs: number): number {
  return typeof granularity === 'object' ? Math.min(granularity.group, inputs) : inputs;
}

/** A scale for each group of `[outputs, inputs]`, or one for all. */
export function chooseScales(values: Float32Array, outputs: number, inputs: number, grid: Grid): Scale[] {
  checkFinite(values, inputs);
  const coding = codingOf(grid.bits);
  const scales: Scale[] = [];
  forEachGroup(outputs, inputs, grid, (from, to) => {
    scales.push(chooseScale(values.subarray(from, to), coding, grid));
  });
  return scales;
}

/** The place of the scale of an entry. */
export function placeOf(output: number, input: number, inputs: number, grid: Grid): number {
  if (grid.granularity === 'tensor') return 0;
  const group = groupOf(grid, inputs);
  return output * Math.ceil(inputs / group) + Math.floor(input / group);
}

/** Codes and their scales as a packed matrix. */
export function packOnGrid(
  codes: Int8Array,
  scales: readonly Scale[],
  [outputs, inputs]: readonly [outputs: number, inputs: number],
  grid: Grid,
): PackedMatrix {
  return packCodes(codes, {
    ...{ coding: codingOf(grid.bits), outputs, inputs, group: groupOf(grid, inputs) },
    scales: Uint16Array.from(scales, ({ bits }) => bits),
    ...(grid.symmetric === false && { zeros: Uint8Array.from(scales, ({ zero }) => zero + 128) }),
  });
}

function codesOf(
  values: Float32Array,
  outputs: number,
  inputs: number,
  grid: Grid,
  scales: readonly Scale[],
): Int8Array {
  const coding = codingOf(grid.bits);
  const codes = new Int8Array(values.length);
  forEachGroup(outputs, inputs, grid, (from, to, place) => {
    roundToCodes(values.subarray(from, to), coding, scales[place]!, codes.subarray(from, to));
  });
  return codes;
}

/** The nearest points of the grid, `[outputs, inputs]`. */
function nearest(values: Float32Array, outputs: number, inputs: number, grid: Grid): Float32Array {
  const scales = chooseScales(values, outputs, inputs, grid);
  const codes = codesOf(values, outputs, inputs, grid, scales);
  const patterns = CODINGS[codingOf(grid.bits)].values;
  const result = new Float32Array(values.length);
  forEachGroup(outputs, inputs, grid, (from, to, place) => {
    const { scale, zero } = scales[place]!;
    for (let i = from; i < to; i++) {
      const code = codes[i]!;
      result[i] = scale * (patterns ? patterns[code & (patterns.length - 1)]! : code - zero);
    }
  });
  return result;
}

function forEachGroup(
  outputs: number,
  inputs: number,
  grid: Grid,
  visit: (from: number, to: number, place: number) => void,
): void {
  if (grid.granularity === 'tensor') {
    visit(0, outputs * inputs, 0);
    return;
  }
  const group = groupOf(grid, inputs);
  let place = 0;
  for (let row = 0; row < outputs; row++) {
    for (let from = 0; from < inputs; from += group) {
      visit(row * inputs + from, row * inputs + Math.min(from + group, inputs), place++);
    }
  }
}

function checkFinite(values: Float32Array, inputs: number): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i]!)) continue;
    throw new NonFiniteError(
      `quantize: weights must be finite, got ${values[i]} at output ${Math.floor(i / inputs)}, input ${i % inputs}. A training that diverged leaves such values.`,
    );
  }
}
