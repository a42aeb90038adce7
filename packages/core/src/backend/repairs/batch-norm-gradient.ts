/**
 * The gradient of batch normalisation y = (x − μ)·r·γ + β, r = 1/√(σ² + ε), from two sums for each channel,
 * S₁ = Σ dy and S₂ = Σ dy·(x − μ):
 * dx = dy·r·γ, dμ = −r·γ·S₁, dσ² = −½r³·γ·S₂, dγ = r·S₂, dβ = S₁.
 *
 * The stock gradient makes a tensor as large as x for each of these, and one more by tiling r, on every engine.
 */
import { add, FusedBatchNorm, getGradient, mul, ones, rsqrt, sub, sum } from '@tensorflow/tfjs-core';
import type { FusedBatchNormAttrs, GradConfig, Tensor } from '@tensorflow/tfjs-core';

/** The gradient to register over the stock one; none while no gradient is known, that is before `@tensorflow/tfjs`. */
export function batchNormGradients(): readonly GradConfig[] {
  const stock = getGradient(FusedBatchNorm);
  if (!stock || ours.has(stock)) return [];
  const replacement: GradConfig = {
    ...stock,
    gradFunc: (dy, saved, attrs) => {
      const [x, mean, variance, scale] = saved as [Tensor, Tensor, Tensor, Tensor | undefined];
      if (mean.rank !== 1) return stock.gradFunc(dy, saved, attrs);
      const axes = x.shape.slice(0, -1).map((_, axis) => axis);
      const r = rsqrt(add(variance, (attrs as unknown as FusedBatchNormAttrs).varianceEpsilon));
      const gamma = scale ?? ones(mean.shape);
      const factor = mul(r, gamma);
      const plain = dy as Tensor;
      const s1 = sum(plain, axes);
      const s2 = sum(mul(plain, sub(x, mean)), axes);
      return {
        x: () => mul(plain, factor),
        mean: () => mul(mul(factor, s1), -1),
        variance: () => mul(mul(mul(factor, mul(r, r)), s2), -0.5),
        scale: () => mul(r, s2),
        offset: () => mul(s1, 1), // a tensor of its own
      };
    },
  };
  ours.add(replacement);
  return [replacement];
}

const ours = new WeakSet<GradConfig>();
