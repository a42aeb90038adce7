/**
 * Low-rank compensation: what quantisation took from a matrix is given back by two thin factors.
 *
 * Source: ZeroQuant-V2 (Yao et al. 2023, section 4, "LoRC"): E = W − Ŵ ≈ U_r S_r V_rᵀ, the root of S on both sides; factors
 * in 8 bits, as there.
 * Deviations: none.
 */
import { matrix, svd } from '@ockham/core/linalg';
import { dequantize, type PackedMatrix } from '@ockham/core/kernels';
import type { LowRank } from './dense-rows.ts';
import { quantize } from './grid.ts';

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
