/** Rows of packed A and columns of packed B that one tile holds. */
export const MR: i32 = 6;
export const NR: i32 = 8;
/** Rows of half a tile. */
export const HALF: i32 = 3;

/**
 * Writes the sums of a tile to C, or adds them, rows `ldc` floats apart. `rows` × `columns` of it are inside C; a tile that
 * is not whole goes by way of `spare` (192 bytes). Inlined, so that the sums stay in registers.
 */
// @ts-ignore: decorator
@inline
export function storeTile(
  c00: v128, c01: v128, c10: v128, c11: v128, c20: v128, c21: v128,
  c30: v128, c31: v128, c40: v128, c41: v128, c50: v128, c51: v128,
  c: usize, ldc: i32, rows: i32, columns: i32, add: bool, spare: usize,
): void {
  const inside = rows == MR && columns == NR;
  let to = inside ? c : spare;
  const step = inside ? (ldc as usize) << 2 : 32;
  if (inside && add) {
    v128.store(to, f32x4.add(v128.load(to), c00)); v128.store(to, f32x4.add(v128.load(to, 16), c01), 16); to += step;
    v128.store(to, f32x4.add(v128.load(to), c10)); v128.store(to, f32x4.add(v128.load(to, 16), c11), 16); to += step;
    v128.store(to, f32x4.add(v128.load(to), c20)); v128.store(to, f32x4.add(v128.load(to, 16), c21), 16); to += step;
    v128.store(to, f32x4.add(v128.load(to), c30)); v128.store(to, f32x4.add(v128.load(to, 16), c31), 16); to += step;
    v128.store(to, f32x4.add(v128.load(to), c40)); v128.store(to, f32x4.add(v128.load(to, 16), c41), 16); to += step;
    v128.store(to, f32x4.add(v128.load(to), c50)); v128.store(to, f32x4.add(v128.load(to, 16), c51), 16);
    return;
  }
  v128.store(to, c00); v128.store(to, c01, 16); to += step;
  v128.store(to, c10); v128.store(to, c11, 16); to += step;
  v128.store(to, c20); v128.store(to, c21, 16); to += step;
  v128.store(to, c30); v128.store(to, c31, 16); to += step;
  v128.store(to, c40); v128.store(to, c41, 16); to += step;
  v128.store(to, c50); v128.store(to, c51, 16);
  if (!inside) copyTile(spare, c, ldc, rows, columns, add);
}

/** The same for half the rows of a tile. */
// @ts-ignore: decorator
@inline
export function storeHalf(
  c00: v128, c01: v128, c10: v128, c11: v128, c20: v128, c21: v128,
  c: usize, ldc: i32, rows: i32, columns: i32, add: bool, spare: usize,
): void {
  const inside = rows == HALF && columns == NR;
  let to = inside ? c : spare;
  const step = inside ? (ldc as usize) << 2 : 32;
  if (inside && add) {
    v128.store(to, f32x4.add(v128.load(to), c00)); v128.store(to, f32x4.add(v128.load(to, 16), c01), 16); to += step;
    v128.store(to, f32x4.add(v128.load(to), c10)); v128.store(to, f32x4.add(v128.load(to, 16), c11), 16); to += step;
    v128.store(to, f32x4.add(v128.load(to), c20)); v128.store(to, f32x4.add(v128.load(to, 16), c21), 16);
    return;
  }
  v128.store(to, c00); v128.store(to, c01, 16); to += step;
  v128.store(to, c10); v128.store(to, c11, 16); to += step;
  v128.store(to, c20); v128.store(to, c21, 16);
  if (!inside) copyTile(spare, c, ldc, rows, columns, add);
}

/** The part of a tile that is inside C. */
function copyTile(spare: usize, c: usize, ldc: i32, rows: i32, columns: i32, add: bool): void {
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const value = load<f32>(spare + (((y as usize) * 8 + (x as usize)) << 2));
      const at = c + (((y as usize) * (ldc as usize) + (x as usize)) << 2);
      store<f32>(at, add ? load<f32>(at) + value : value);
    }
  }
}
