/** A row-major `[rows, to]` copy of a `[rows, from]` matrix, zeros in its last columns. */
export function padColumns(values: Float32Array, rows: number, from: number, to: number): Float32Array {
  const padded = new Float32Array(rows * to);
  for (let row = 0; row < rows; row++) padded.set(values.subarray(row * from, (row + 1) * from), row * to);
  return padded;
}
