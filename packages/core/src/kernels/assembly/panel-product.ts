/**
 * C += α·A·B in double precision, in the blocked and packed form of Goto and van de Geijn 2008: B in panels of four
 * columns, A in panels of four rows, a 4 × 4 tile of C at a time in eight registers. All strides are in bytes.
 */

const MR: i32 = 4;
const NR: i32 = 4;
/** Depth of a block; a change of it changes results, since it is the number of products that are summed before they reach C. */
const KC: i32 = 256;
const MC: i32 = 64;
const NC: i32 = 256;
const packedA: usize = (KC * NC) as usize << 3;
const spare: usize = packedA + ((KC * MC) as usize << 4);
/** α lies in memory while tiles are multiplied, out of the way of the sums. */
const factorAt: usize = spare + ((MR * NR) as usize << 3);

export function workspaceBytes(): usize {
  return factorAt + 8;
}

/** c(i, j) += α Σ_p a(i, p) b(p, j) for i < m, j < n. */
export function addProduct(
  m: i32, n: i32, k: i32, alpha: f64,
  a: usize, aRow: usize, aColumn: usize, b: usize, bRow: usize, bColumn: usize, c: usize, cRow: usize,
): void {
  store<f64>(factorAt, alpha);
  for (let j = 0; j < n; j += NC) {
    const nc = min(NC, n - j);
    for (let p = 0; p < k; p += KC) {
      const kc = min(KC, k - p);
      packB(b + (p as usize) * bRow + (j as usize) * bColumn, bColumn, bRow, nc, kc, 0);
      for (let i = 0; i < m; i += MC) {
        const mc = min(MC, m - i);
        packA(a + (i as usize) * aRow + (p as usize) * aColumn, aRow, aColumn, mc, kc, packedA);
        multiplyPanels(mc, nc, kc, c + (i as usize) * cRow + ((j as usize) << 3), cRow);
      }
    }
  }
}

/** `count` lines of `length` numbers each, in panels of four: the four lines' first numbers, each twice, then their second … */
function packA(from: usize, line: usize, step: usize, count: i32, length: i32, to: usize): void {
  for (; count >= MR; count -= MR) {
    let p0 = from, p1 = p0 + line, p2 = p1 + line, p3 = p2 + line;
    for (let s = length; s > 0; s--) {
      v128.store(to, v128.load_splat<f64>(p0));
      v128.store(to, v128.load_splat<f64>(p1), 16);
      v128.store(to, v128.load_splat<f64>(p2), 32);
      v128.store(to, v128.load_splat<f64>(p3), 48);
      p0 += step;
      p1 += step;
      p2 += step;
      p3 += step;
      to += 64;
    }
    from += (MR as usize) * line;
  }
  if (count == 0) return;
  for (let s = length; s > 0; s--) {
    let p = from;
    for (let l = 0; l < MR; l++) {
      v128.store(to, l < count ? v128.load_splat<f64>(p) : f64x2.splat(0));
      p += line;
      to += 16;
    }
    from += step;
  }
}

/** Lines in panels of four, each number once. */
function packB(from: usize, line: usize, step: usize, count: i32, length: i32, to: usize): void {
  for (; count >= NR; count -= NR) {
    if (line == 8) {
      let p = from;
      for (let s = length; s > 0; s--) {
        v128.store(to, v128.load(p));
        v128.store(to, v128.load(p, 16), 16);
        p += step;
        to += 32;
      }
    } else if (step == 8) {
      let p0 = from, p1 = p0 + line, p2 = p1 + line, p3 = p2 + line;
      for (let s = length >> 1; s > 0; s--) {
        packPair(p0, p1, to, 32);
        packPair(p2, p3, to + 16, 32);
        p0 += 16;
        p1 += 16;
        p2 += 16;
        p3 += 16;
        to += 64;
      }
      if (length & 1) {
        packEdge(p0, line, step, NR, 1, to);
        to += 32;
      }
    } else {
      packEdge(from, line, step, NR, length, to);
      to += (length as usize) * 32;
    }
    from += 4 * line;
  }
  if (count > 0) packEdge(from, line, step, count, length, to);
}

/** Two numbers of each of two lines to two steps of a panel, `step` bytes apart. */
// @ts-ignore: decorator
@inline
function packPair(p0: usize, p1: usize, to: usize, step: usize): void {
  const x = v128.load(p0);
  const y = v128.load(p1);
  v128.store(to, v128.shuffle<i64>(x, y, 0, 2));
  v128.store(to + step, v128.shuffle<i64>(x, y, 1, 3));
}

/** A panel of which there are only `count` lines: zeros for the rest. */
function packEdge(from: usize, line: usize, step: usize, count: i32, length: i32, to: usize): void {
  for (let s = 0; s < length; s++) {
    let p = from + (s as usize) * step;
    for (let l = 0; l < NR; l++) {
      store<f64>(to, l < count ? load<f64>(p) : 0);
      p += line;
      to += 8;
    }
  }
}

function multiplyPanels(mc: i32, nc: i32, kc: i32, c: usize, cRow: usize): void {
  for (let i = 0; i < mc; i += MR) {
    const rows = min(MR, mc - i);
    const a = packedA + ((i * kc) as usize << 4);
    for (let j = 0; j < nc; j += NR) {
      const columns = min(NR, nc - j);
      const b = (j * kc) as usize << 3;
      const to = c + (i as usize) * cRow + ((j as usize) << 3);
      if (rows == MR && columns == NR) tile(a, b, kc, to, cRow);
      else {
        copyTile(to, cRow, spare, NR << 3, rows, columns);
        tile(a, b, kc, spare, NR << 3);
        copyTile(spare, NR << 3, to, cRow, rows, columns);
      }
    }
  }
}

function copyTile(from: usize, fromRow: usize, to: usize, toRow: usize, rows: i32, columns: i32): void {
  for (let r = 0; r < rows; r++) {
    for (let s = 0; s < columns; s++) {
      store<f64>(to + ((s as usize) << 3), load<f64>(from + ((s as usize) << 3)));
    }
    from += fromRow;
    to += toRow;
  }
}

// Eight sums and not twelve, numbers of A packed twice and not repeated here: V8 moves a round's loads before its sums, and what
// then exceeds fifteen registers goes through the stack.
function tile(a: usize, b: usize, kc: i32, c: usize, cRow: usize): void {
  let c00 = f64x2.splat(0), c01 = f64x2.splat(0);
  let c10 = f64x2.splat(0), c11 = f64x2.splat(0);
  let c20 = f64x2.splat(0), c21 = f64x2.splat(0);
  let c30 = f64x2.splat(0), c31 = f64x2.splat(0);
  const end = a + (kc as usize) * 64;
  while (a != end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load(a);
    c00 = f64x2.add(c00, f64x2.mul(x, b0));
    c01 = f64x2.add(c01, f64x2.mul(x, b1));
    x = v128.load(a, 16);
    c10 = f64x2.add(c10, f64x2.mul(x, b0));
    c11 = f64x2.add(c11, f64x2.mul(x, b1));
    x = v128.load(a, 32);
    c20 = f64x2.add(c20, f64x2.mul(x, b0));
    c21 = f64x2.add(c21, f64x2.mul(x, b1));
    x = v128.load(a, 48);
    c30 = f64x2.add(c30, f64x2.mul(x, b0));
    c31 = f64x2.add(c31, f64x2.mul(x, b1));
    a += 64;
    b += 32;
  }
  const factor = v128.load_splat<f64>(factorAt);
  addRow(c, factor, c00, c01);
  c += cRow;
  addRow(c, factor, c10, c11);
  c += cRow;
  addRow(c, factor, c20, c21);
  c += cRow;
  addRow(c, factor, c30, c31);
}

// @ts-ignore: decorator
@inline
function addRow(c: usize, factor: v128, x0: v128, x1: v128): void {
  v128.store(c, f64x2.add(v128.load(c), f64x2.mul(factor, x0)));
  v128.store(c, f64x2.add(v128.load(c, 16), f64x2.mul(factor, x1)), 16);
}
