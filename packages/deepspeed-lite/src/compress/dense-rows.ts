import { dequantize, type PackedMatrix } from '@ockham/core/kernels';

/** The factors of a compensation: Ŵ + `up` · `down` is nearer to W. */
export interface LowRank {
  /** `[rank, inputs]`. */
  readonly down: PackedMatrix;
  /** `[outputs, rank]`. */
  readonly up: PackedMatrix;
}

/** The numbers that the matrices of a layer stand for together, `[outputs, inputs]`: Ŵ, or Ŵ + up · down. */
export function denseRows(matrices: ReadonlyMap<string, PackedMatrix>, weight: string): Float32Array {
  const main = matrices.get(weight)!;
  const values = dequantize(main);
  const [down, up] = [matrices.get('down'), matrices.get('up')];
  if (!down || !up) return values;
  const [D, U] = [dequantize(down), dequantize(up)];
  const rank = down.outputs;
  for (let o = 0; o < main.outputs; o++) {
    for (let k = 0; k < rank; k++) {
      const factor = U[o * rank + k]!;
      for (let i = 0; i < main.inputs; i++) values[o * main.inputs + i]! += factor * D[k * main.inputs + i]!;
    }
  }
  return values;
}
