import type { Vector } from './feasible-set.ts';

/**
 * Singular values of a row-major `[rows, columns]` matrix, descending, `min(rows, columns)` of them (one-sided Jacobi:
 * columns are rotated in pairs until orthogonal). Meant for the small matrices of a membership test.
 */
export function singularValues(matrix: Vector, rows: number, columns: number): Float64Array {
  const count = Math.min(rows, columns);
  const length = Math.max(rows, columns);
  const tall = rows >= columns;
  const lines = Array.from({ length: count }, (_, c) =>
    Float64Array.from({ length }, (_, r) => matrix[tall ? r * columns + c : c * columns + r]!),
  );
  for (let sweep = 0, rotated = true; rotated && sweep < 60; sweep++) {
    rotated = false;
    for (let p = 0; p < count - 1; p++) {
      for (let q = p + 1; q < count; q++) rotated = orthogonalise(lines[p]!, lines[q]!) || rotated;
    }
  }
  return Float64Array.from(lines, (line) => Math.hypot(...line))
    .sort()
    .reverse();
}

/** Rotates x and y within their plane so that ⟨x, y⟩ = 0; false if they were orthogonal already. */
function orthogonalise(x: Float64Array, y: Float64Array): boolean {
  let xx = 0;
  let yy = 0;
  let xy = 0;
  for (let i = 0; i < x.length; i++) {
    xx += x[i]! * x[i]!;
    yy += y[i]! * y[i]!;
    xy += x[i]! * y[i]!;
  }
  if (Math.abs(xy) <= 1e-15 * Math.sqrt(xx * yy)) return false;
  const zeta = (yy - xx) / (2 * xy);
  const tangent = Math.sign(zeta || 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
  const cosine = 1 / Math.hypot(1, tangent);
  const sine = cosine * tangent;
  for (let i = 0; i < x.length; i++) {
    const xi = x[i]!;
    x[i] = cosine * xi - sine * y[i]!;
    y[i] = sine * xi + cosine * y[i]!;
  }
  return true;
}
