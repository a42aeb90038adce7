/**
 * Low-rank compensation: what quantisation took from a matrix is given back by two thin factors.
 *
 * Source: ZeroQuant-V2 (Yao et al. 2023, section 4, "LoRC"): E = W − Ŵ ≈ U_r S_r V_rᵀ, the root of S on both sides; factors
 * in 8 bits, as there.
 * Deviations: none.
 */
import { matrix, svd } from '@ockham/core/linalg';
import { dequantize, type PackedMatrix } from '@ockham/core/kernels';
import { quantize } from './grid.ts';

/** The factors of a compensation: Ŵ + `up` · `down` is nearer to W. */
export interface LowRank {
  /** `[rank, inputs]`. */
  readonly down: PackedMatrix;
  /** `[outputs, rank]`. */
  readonly up: PackedMatrix;
}

/**
 * The best two factors of rank `rank` for the error of a packed matrix.
 *
 * @param target What the packed matrix stands in for, `[outputs, inputs]`.
 * @param rank Cut down to the smaller side.
 */
export function lowRankOf(target: Float32Array, packed: PackedMatrix, rank: number): LowRank {
  const { outputs, inputs } = packed;
  const values = dequantize(packed);
  const error = Float64Array.from(target, (value, i) => value - values[i]!);
  const r = Math.min(rank, outputs, inputs);
  const { u, s, v } = svd(matrix(outputs, inputs, error), { rank: r });
  const up = Float32Array.from(u.values, (value, i) => value * Math.sqrt(s[i % r]!));
  const down = new Float32Array(r * inputs);
  for (let i = 0; i < inputs; i++)
    for (let k = 0; k < r; k++) down[k * inputs + i] = v.values[i * r + k]! * Math.sqrt(s[k]!);
  return {
    down: quantize(down, [r, inputs], { bits: 8 }),
    up: quantize(up, [outputs, r], { bits: 8 }),
  };
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
