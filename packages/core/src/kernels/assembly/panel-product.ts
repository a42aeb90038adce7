/**
 * A product of packed panels in double precision, a 4 × 4 tile of it at a time in eight registers. A module of its own, with
 * its own memory: A's panels from 0, then B's, then the product; see `linalg/panel-kernel.ts`.
 */

/** c(i, j) = Σ_p a(i, p) b(p, j) for i < m, j < n; `row` is the distance of rows of c, in numbers. */
export function multiplyPanels(m: i32, n: i32, k: i32, a: usize, b: usize, c: usize, row: i32): void {
  const step = (row as usize) << 3;
  for (let i = 0; i < m; i += 4) {
    for (let j = 0; j < n; j += 4) {
      let p = a + ((i * k) as usize << 3);
      let q = b + ((j * k) as usize << 3);
      let c00 = f64x2.splat(0), c01 = f64x2.splat(0);
      let c10 = f64x2.splat(0), c11 = f64x2.splat(0);
      let c20 = f64x2.splat(0), c21 = f64x2.splat(0);
      let c30 = f64x2.splat(0), c31 = f64x2.splat(0);
      for (let s = k; s > 0; s--) {
        const b0 = v128.load(q);
        const b1 = v128.load(q, 16);
        let x = v128.load_splat<f64>(p);
        c00 = f64x2.add(c00, f64x2.mul(x, b0));
        c01 = f64x2.add(c01, f64x2.mul(x, b1));
        x = v128.load_splat<f64>(p, 8);
        c10 = f64x2.add(c10, f64x2.mul(x, b0));
        c11 = f64x2.add(c11, f64x2.mul(x, b1));
        x = v128.load_splat<f64>(p, 16);
        c20 = f64x2.add(c20, f64x2.mul(x, b0));
        c21 = f64x2.add(c21, f64x2.mul(x, b1));
        x = v128.load_splat<f64>(p, 24);
        c30 = f64x2.add(c30, f64x2.mul(x, b0));
        c31 = f64x2.add(c31, f64x2.mul(x, b1));
        p += 32;
        q += 32;
      }
      let to = c + (((i * row + j) as usize) << 3);
      v128.store(to, c00);
      v128.store(to, c01, 16);
      to += step;
      v128.store(to, c10);
      v128.store(to, c11, 16);
      to += step;
      v128.store(to, c20);
      v128.store(to, c21, 16);
      to += step;
      v128.store(to, c30);
      v128.store(to, c31, 16);
    }
  }
}
