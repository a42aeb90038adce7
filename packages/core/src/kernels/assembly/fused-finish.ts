/** What follows a product in a transformer, in one go over a row while it is in the first-level cache. */
import { erf4, exp4 } from './functions';
import { layerNorm } from './layer-norm';

/**
 * y = activation(x + bias) + residual in rows of `n`, and, where gamma is not 0, z = the layer normalisation of y. A bias or residual
 * at 0 is none; y may be x or the residual, z may be y. Activations: 0 linear, 1 ReLU, 2 GELU, 3 its approximation by tanh, 4 tanh.
 */
export function fusedFinish(
  rows: i32, n: i32, x: usize, bias: usize, activation: i32, residual: usize, y: usize,
  gamma: usize, beta: usize, epsilon: f32, z: usize,
): void {
  const bytes = (n as usize) << 2;
  const whole = bytes & ~15;
  for (let r = 0; r < rows; r++) {
    let c: usize = 0;
    for (; c < whole; c += 16) {
      let v = v128.load(x + c);
      if (bias) v = f32x4.add(v, v128.load(bias + c));
      v = activate(v, activation);
      if (residual) v = f32x4.add(v, v128.load(residual + c));
      v128.store(y + c, v);
    }
    for (; c < bytes; c += 4) {
      let v = v128.load32_splat(x + c);
      if (bias) v = f32x4.add(v, v128.load32_splat(bias + c));
      v = activate(v, activation);
      if (residual) v = f32x4.add(v, v128.load32_splat(residual + c));
      v128.store32_lane(y + c, v, 0);
    }
    if (gamma) {
      layerNorm(1, n, y, gamma, beta, epsilon, z);
      z += bytes;
    }
    x += bytes;
    y += bytes;
    if (residual) residual += bytes;
  }
}

function activate(x: v128, activation: i32): v128 {
  if (activation == 0) return x;
  const one = f32x4.splat(1);
  if (activation == 1) return f32x4.max(x, f32x4.splat(0));
  if (activation == 2) {
    const half = f32x4.mul(x, f32x4.splat(0.5));
    return f32x4.mul(half, f32x4.add(erf4(f32x4.mul(x, f32x4.splat(0.70710678118654752))), one));
  }
  // ½(1 + tanh u) = 1 / (1 + e⁻²ᵘ)
  let u = x;
  if (activation == 3) {
    const cube = f32x4.mul(f32x4.mul(x, x), f32x4.splat(0.044715 * 0.79788456080286536));
    u = f32x4.mul(x, f32x4.add(cube, f32x4.splat(0.79788456080286536)));
  }
  const s = f32x4.div(one, f32x4.add(one, exp4(f32x4.mul(u, f32x4.splat(-2)))));
  return activation == 3 ? f32x4.mul(x, s) : f32x4.sub(f32x4.add(s, s), one);
}
