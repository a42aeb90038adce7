/**
 * LoRA-Pro: the gradients of A and B are changed so that a small step of both moves W₀ + s·AB along the full gradient's
 * projection on what A and B can reach, G P_B + P_A G (I − P_B).
 *
 * Paper: Wang et al. 2024, "LoRA-Pro: are low-rank adapters properly optimized?", theorem 2.1, with X = 0. For our A
 * `[in, r]` and B `[r, out]`: g_A ← g_A (BBᵀ)⁻¹/s² and g_B ← (AᵀA)⁻¹ g_B (I − Bᵀ(BBᵀ)⁻¹B)/s².
 * Deviations: X, which does not change the step of W, is 0; the Gram matrices are damped, since B starts at zero.
 */
import { matMul, mul, reshape, sub, tensor2d, tidy } from '@tensorflow/tfjs-core';
import type { NamedTensorMap, Tensor2D } from '@tensorflow/tfjs-core';
import { ArgumentError } from '@ockham/core';
import { cholesky, choleskySolve, identity, matrix } from '@ockham/core/linalg';
import { variableOf, type UpdateConstraint } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { asMatrix } from './linear-kind.ts';
import { loraOf } from './lora-state.ts';

/** Options of {@link loraPro}. */
export interface LoraProOptions {
  /** Added to the diagonal of AᵀA and BBᵀ, ×(1 + their mean diagonal), > 0. Default 1e-6. */
  readonly damping?: number;
}

/**
 * A constraint for `train` that changes the gradients of every adapter in use as LoRA-Pro does. Adapters of DoRA and PiSSA
 * keep theirs: there, W is another function of A and B.
 *
 * Reads r × r matrices back at every step, which waits for a GPU.
 *
 * @throws ArgumentError for a damping that is not positive.
 *
 * @example
 * await train(adapted, data.train, { epochs: 3, optimizer: 'sgd', constraint: loraPro(adapted) });
 */
export function loraPro(adapted: LayersModel, { damping = 1e-6 }: LoraProOptions = {}): UpdateConstraint {
  const { sites } = loraOf('loraPro', adapted);
  if (!(damping > 0)) throw new ArgumentError(`loraPro: damping must be positive, got ${damping}.`);
  return {
    gradients(given: NamedTensorMap): NamedTensorMap {
      const changed = { ...given };
      for (const adapter of sites.flatMap(({ lora }) => [...lora.adapters.values()])) {
        const names = [adapter.a, adapter.b].map((weight) => variableOf(weight).name) as [string, string];
        const [gA, gB] = [given[names[0]], given[names[1]]];
        if (!gA || !gB || adapter.dora || adapter.fromSvd) continue;
        const s = adapter.scale * adapter.strength;
        const [a, b] = [asMatrix(adapter.a.read()), adapter.b.read() as Tensor2D];
        const [stepA, stepB] = tidy<[Tensor2D, Tensor2D]>(() => {
          const ofB = dampedInverse(matMul(b, b, false, true), damping); // [r, r]
          const ofA = dampedInverse(matMul(a, a, true), damping);
          const left = matMul(asMatrix(gA), ofB); // [in, r]
          const own = matMul(ofA, gB as Tensor2D); // [r, out]
          const shared = matMul(matMul(matMul(own, b, false, true), ofB), b); // own P_B
          return [mul(left, 1 / (s * s)), mul(sub(own, shared), 1 / (s * s))];
        });
        changed[names[0]] = reshape(stepA, gA.shape);
        changed[names[1]] = stepB;
      }
      return changed;
    },
  };
}

function dampedInverse(gram: Tensor2D, damping: number): Tensor2D {
  const [r] = gram.shape;
  const values = Float64Array.from(gram.dataSync());
  const trace = Array.from({ length: r }, (_, i) => values[i * r + i]!).reduce(
    (sum, value) => sum + value,
    0,
  );
  for (let i = 0; i < r; i++) values[i * r + i]! += damping * (1 + trace / r);
  const inverse = choleskySolve(cholesky(matrix(r, r, values)), identity(r));
  return tensor2d(Float32Array.from(inverse.values), [r, r]);
}
