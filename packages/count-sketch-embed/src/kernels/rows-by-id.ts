/** Of a table with `width` numbers for each id, those of some ids: `[ids.length, width]`. */
export function rowsById(table: Int32Array, width: number, ids: Int32Array): Int32Array {
  const rows = new Int32Array(ids.length * width);
  for (let k = 0, at = 0; k < ids.length; k++)
    for (let from = ids[k]! * width, i = 0; i < width; i++) rows[at++] = table[from++]!;
  return rows;
}
