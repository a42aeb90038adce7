/** How far a table is from the one that it stands for. */
export interface TableError {
  /** ‖W − Ŵ‖ / ‖W‖ in Frobenius norm: every token counts the same. */
  readonly error: number;
  /** √(Σ w‖W_x − Ŵ_x‖² / Σ w‖W_x‖²): tokens count by their weight in the fit. */
  readonly weightedError: number;
}

/** Both errors of `approximation` `[V, D]`; 0 for a table of zeros that is met exactly. */
export function relativeError(
  table: Float32Array,
  approximation: Float32Array,
  weights: Float64Array,
): TableError {
  const D = table.length / weights.length;
  const sums = { off: 0, size: 0, weightedOff: 0, weightedSize: 0 };
  for (const [x, w] of weights.entries()) {
    let off = 0;
    let size = 0;
    for (let j = x * D; j < (x + 1) * D; j++) {
      off += (table[j]! - approximation[j]!) ** 2;
      size += table[j]! ** 2;
    }
    sums.off += off;
    sums.size += size;
    sums.weightedOff += w * off;
    sums.weightedSize += w * size;
  }
  const ratio = (off: number, size: number) => (off === 0 ? 0 : Math.sqrt(off / size));
  return {
    error: ratio(sums.off, sums.size),
    weightedError: ratio(sums.weightedOff, sums.weightedSize),
  };
}
