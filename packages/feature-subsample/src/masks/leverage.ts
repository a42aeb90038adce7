/**
 * Ridge leverage scores of the features: a_jᵀ(AAᵀ + λI)⁻¹a_j with λ = ‖A‖_F²/min(n, d). Without the ridge all are 1 when
 * the columns are independent (n ≥ d), and tell nothing.
 */
import { eigh } from '@ockham/core/linalg/eigh';
import { gram, type LinearSystem } from '../system.ts';

/** `[d]`, each in (0, 1). */
export function leverageScores({ n, d, a, diagonal }: LinearSystem): Float64Array {
  const lambda = diagonal.reduce((sum, value) => sum + value, 0) / Math.min(n, d);
  const side = Math.min(n, d);
  const { values, vectors } = eigh({ rows: side, columns: side, values: gram(a, n < d) });
  const scores = new Float64Array(d);
  for (let k = 0; k < side; k++) {
    const eigenvalue = Math.max(0, values[k]!);
    if (n >= d) {
      // v_jk² s²/(s² + λ), as Aᵀ(AAᵀ + λ)⁻¹A = V diag(s²/(s² + λ)) Vᵀ
      for (let j = 0; j < d; j++)
        scores[j]! += (vectors.values[j * d + k]! ** 2 * eigenvalue) / (eigenvalue + lambda);
      continue;
    }
    const along = new Float64Array(d); // Aᵀu_k
    for (let i = 0; i < n; i++) {
      const u = vectors.values[i * n + k]!;
      for (let j = 0; j < d; j++) along[j]! += u * a.values[i * d + j]!;
    }
    for (let j = 0; j < d; j++) scores[j]! += along[j]! ** 2 / (eigenvalue + lambda);
  }
  return scores;
}
