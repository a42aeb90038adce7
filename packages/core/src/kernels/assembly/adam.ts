/**
 * A step of Adam in one pass: the moments m and v in place, the weights w to `to`. Each number is rounded as by
 * TensorFlow.js, which takes a pass for each operation; hence no fused multiply-add. `scalars` are β₁, 1 − β₁, β₂, 1 − β₂,
 * 1 − β₁ᵗ, 1 − β₂ᵗ, ε and −η.
 */
export function adamStep(n: i32, w: usize, m: usize, v: usize, g: usize, to: usize, scalars: usize): void {
  const beta1 = load<f32>(scalars, 0);
  const rest1 = load<f32>(scalars, 4);
  const beta2 = load<f32>(scalars, 8);
  const rest2 = load<f32>(scalars, 12);
  const correction1 = load<f32>(scalars, 16);
  const correction2 = load<f32>(scalars, 20);
  const epsilon = load<f32>(scalars, 24);
  const rate = load<f32>(scalars, 28);
  const beta1s = f32x4.splat(beta1);
  const rest1s = f32x4.splat(rest1);
  const beta2s = f32x4.splat(beta2);
  const rest2s = f32x4.splat(rest2);
  const correction1s = f32x4.splat(correction1);
  const correction2s = f32x4.splat(correction2);
  const epsilons = f32x4.splat(epsilon);
  const rates = f32x4.splat(rate);
  const bytes = (n as usize) << 2;
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16) {
    const gradient = v128.load(g + i);
    const first = f32x4.add(f32x4.mul(v128.load(m + i), beta1s), f32x4.mul(gradient, rest1s));
    const second = f32x4.add(
      f32x4.mul(v128.load(v + i), beta2s),
      f32x4.mul(f32x4.mul(gradient, gradient), rest2s),
    );
    v128.store(m + i, first);
    v128.store(v + i, second);
    const root = f32x4.add(f32x4.sqrt(f32x4.div(second, correction2s)), epsilons);
    const step = f32x4.mul(f32x4.div(f32x4.div(first, correction1s), root), rates);
    v128.store(to + i, f32x4.add(step, v128.load(w + i)));
  }
  for (; i < bytes; i += 4) {
    const gradient = load<f32>(g + i);
    const first = load<f32>(m + i) * beta1 + gradient * rest1;
    const second = load<f32>(v + i) * beta2 + gradient * gradient * rest2;
    store<f32>(m + i, first);
    store<f32>(v + i, second);
    store<f32>(
      to + i,
      (first / correction1 / (sqrt<f32>(second / correction2) + epsilon)) * rate + load<f32>(w + i),
    );
  }
}
