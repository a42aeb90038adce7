/**
 * The gradient of batch normalisation y = (x − μ)·r·γ + β, r = 1/√(σ² + ε), from two sums for each channel,
 * S₁ = Σ dy and S₂ = Σ dy·(x − μ):
 * dx = dy·r·γ, dμ = −r·γ·S₁, dσ² = −½r³·γ·S₂, dγ = r·S₂, dβ = S₁.
 *
 * The stock gradient makes a tensor as large as x for each of these, and one more by tiling r, on every engine.
 */
import {
  add,
  backend,
  engine,
  FusedBatchNorm,
  getGradient,
  mul,
  neg,
  ones,
  rsqrt,
  sub,
  sum,
  unstack,
} from '@tensorflow/tfjs-core';
import type { FusedBatchNormAttrs, GradConfig, Tensor } from '@tensorflow/tfjs-core';
import { kernelsOf } from '../wasm-kernels/attach.ts';
import { NORMAL_SUMS } from '../wasm-kernels/batch-norm.ts';

/** The gradient to register over the stock one; none while no gradient is known, that is before `@tensorflow/tfjs`. */
export function batchNormGradients(): readonly GradConfig[] {
  const stock = getGradient(FusedBatchNorm);
  if (!stock || ours.has(stock)) return [];
  const replacement: GradConfig = {
    ...stock,
    gradFunc: (dy, saved, attrs) => {
      const [x, mean, variance, scale] = saved as [Tensor, Tensor, Tensor, Tensor | undefined];
      if (mean.rank !== 1) return stock.gradFunc(dy, saved, attrs);
      const r = rsqrt(add(variance, (attrs as unknown as FusedBatchNormAttrs).varianceEpsilon));
      const gamma = scale ?? ones(mean.shape);
      const factor = mul(r, gamma);
      const plain = dy as Tensor;
      const [s1, s2] = sumsOf(plain, x, mean);
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
  return [replacement, ofSums];
}

/** S₁ and S₂, in one pass where our kernels are attached. */
function sumsOf(dy: Tensor, x: Tensor, mean: Tensor): [Tensor, Tensor] {
  if (kernelsOf(backend()) && [dy, x, mean].every(({ dtype }) => dtype === 'float32'))
    return unstack(engine().runKernel(NORMAL_SUMS, { dy, x, mean })) as [Tensor, Tensor];
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  return [sum(dy, axes), sum(mul(dy, sub(x, mean)), axes)];
}

/** The gradient of our kernel of the two sums. */
const ofSums: GradConfig = {
  kernelName: NORMAL_SUMS,
  inputsToSave: ['dy', 'x', 'mean'],
  gradFunc: (d, saved) => {
    const [dy, x, mean] = saved as [Tensor, Tensor, Tensor];
    const [d1, d2] = unstack(d as Tensor) as [Tensor, Tensor];
    return {
      dy: () => add(d1, mul(d2, sub(x, mean))),
      x: () => mul(d2, dy),
      mean: () => neg(mul(d2, sumsOf(dy, x, mean)[0])),
    };
  },
};

const ours = new WeakSet<GradConfig>();
