import { dequantize, type PackedMatrix } from '../quantized/packed-matrix.ts';
import type { ProductActivation } from '../quantized/run-product.ts';
import { errorFunctionTwin } from './elementwise.ts';

/** Rows in steps of max |x| / 127, to the nearest, ties to even, in float32 as the kernel does. */
export function quantizeRowsTwin(
  x: Float32Array,
  columns: number,
): { readonly values: Int8Array; readonly scales: Float32Array } {
  const rows = columns === 0 ? 0 : x.length / columns;
  const largest = Float32Array.from({ length: rows }, (_, r) =>
    x.subarray(r * columns, (r + 1) * columns).reduce((most, value) => Math.max(most, Math.abs(value)), 0),
  );
  const values = Int8Array.from(x, (value, i) => {
    const factor = Math.fround(127 / largest[Math.floor(i / columns)]!);
    if (factor === Infinity) return 0;
    const step = Math.fround(value * factor);
    const low = Math.floor(step);
    return step - low === 0.5 ? low + (low & 1) : Math.round(step);
  });
  return { values, scales: largest.map((most) => most / 127) };
}

/** The product in plain TypeScript, the oracle of the kernels: the definition, in double precision. */
export function quantizedProductTwin(
  matrix: PackedMatrix,
  x: Float32Array,
  rows: number,
  bias: Float32Array | undefined,
  activation: ProductActivation,
  activations: 'float32' | 'int8',
): Float64Array {
  const { inputs, outputs } = matrix;
  const w = dequantize(matrix);
  const { values, scales } =
    activations === 'int8' ? quantizeRowsTwin(x, inputs) : { values: x, scales: undefined };
  const y = new Float64Array(rows * outputs);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < outputs; o++) {
      let sum = 0;
      for (let i = 0; i < inputs; i++) sum += values[r * inputs + i]! * w[o * inputs + i]!;
      if (scales && inputs > 0) sum *= scales[r]!;
      y[r * outputs + o] = activated(sum + (bias?.[o] ?? 0), activation);
    }
  }
  return y;
}

function activated(x: number, activation: ProductActivation): number {
  if (activation === 'relu') return x > 0 ? x : 0 * x; // NaN stays NaN
  if (activation === 'gelu') return 0.5 * x * (1 + errorFunctionTwin(x / Math.SQRT2));
  if (activation === 'gelu-tanh')
    return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  return x;
}
