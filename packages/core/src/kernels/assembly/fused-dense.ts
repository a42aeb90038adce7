/**
 * Products with a matrix that was packed once: for each block of KC rows of it, panels of NR columns, as `gemm` packs them at each call.
 */
import { fma } from './fma';
import { fusedFinish } from './fused-finish';
import { block, KC, MC, packA } from './gemm';
import { NR } from './store-tile';

/** Bytes of workspace of `fusedDense`. */
export function fusedDenseBytes(): i32 {
  return MC * KC * 4 + 192;
}

/** What `fusedFinish` says of x = A·B, A (m × k) in rows `lda` apart; x itself goes to `c`, which may be y. */
export function fusedDense(
  m: i32, n: i32, k: i32, a: usize, lda: i32, panels: usize, c: usize, workspace: usize,
  bias: usize, activation: i32, residual: usize, y: usize, gamma: usize, beta: usize, epsilon: f32, z: usize,
): void {
  const wide = (((n + NR - 1) / NR) * NR) as usize;
  const row = (n as usize) << 2;
  const spare = workspace + ((MC * KC) as usize << 2);
  for (let i = 0; i < m; i += MC) {
    const mc = min(MC, m - i);
    const to = c + (i as usize) * row;
    if (m == 1) vectorProduct(n, k, a, panels, to, spare);
    else {
      for (let p = 0; p < k; p += KC) {
        const kc = min(KC, k - p);
        packA(a, lda, i, mc, p, kc, workspace);
        block(workspace, panels + (((p as usize) * wide) << 2), mc, n, kc, to, n, p > 0, spare);
      }
    }
    if (bias | residual | gamma | (activation as usize)) {
      const skip = (i as usize) * row;
      fusedFinish(mc, n, to, bias, activation, residual ? residual + skip : 0, y + skip, gamma, beta, epsilon, z + skip);
    }
  }
}

/** The same for one row: eight sums run side by side, since each waits four steps for the one before. */
function vectorProduct(n: i32, k: i32, a: usize, panels: usize, c: usize, spare: usize): void {
  const wide = (((n + NR - 1) / NR) * NR) as usize;
  for (let j = 0; j < n; j += NR) {
    let s0 = f32x4.splat(0), s1 = f32x4.splat(0);
    let t0 = f32x4.splat(0), t1 = f32x4.splat(0);
    let u0 = f32x4.splat(0), u1 = f32x4.splat(0);
    let v0 = f32x4.splat(0), v1 = f32x4.splat(0);
    for (let p = 0; p < k; p += KC) {
      const kc = min(KC, k - p);
      let x = a + ((p as usize) << 2);
      let b = panels + (((p as usize) * wide + ((j * kc) as usize)) << 2);
      const end = b + ((kc as usize) << 5);
      for (const most = b + (((kc & ~3) as usize) << 5); b < most; b += 128) {
        let w = v128.load_splat<f32>(x);
        s0 = fma(w, v128.load(b), s0);
        s1 = fma(w, v128.load(b, 16), s1);
        w = v128.load_splat<f32>(x, 4);
        t0 = fma(w, v128.load(b, 32), t0);
        t1 = fma(w, v128.load(b, 48), t1);
        w = v128.load_splat<f32>(x, 8);
        u0 = fma(w, v128.load(b, 64), u0);
        u1 = fma(w, v128.load(b, 80), u1);
        w = v128.load_splat<f32>(x, 12);
        v0 = fma(w, v128.load(b, 96), v0);
        v1 = fma(w, v128.load(b, 112), v1);
        x += 16;
      }
      for (; b < end; b += 32) {
        const w = v128.load_splat<f32>(x);
        s0 = fma(w, v128.load(b), s0);
        s1 = fma(w, v128.load(b, 16), s1);
        x += 4;
      }
    }
    const to = c + ((j as usize) << 2);
    const inside = n - j >= NR;
    const at = inside ? to : spare;
    v128.store(at, f32x4.add(f32x4.add(s0, t0), f32x4.add(u0, v0)));
    v128.store(at, f32x4.add(f32x4.add(s1, t1), f32x4.add(u1, v1)), 16);
    if (!inside) memory.copy(to, spare, ((n - j) as usize) << 2);
  }
}
