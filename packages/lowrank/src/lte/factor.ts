import { NonFiniteError } from '@ockham/core';
import { asMatrix } from '../lora/linear-kind.ts';
import { matrix, qr } from '@ockham/core/linalg/matrices';
import { matMul, tensor2d, tidy, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import type { Random } from '@ockham/core/random';

/**
 * A new A `[inputs, r]`: normal with deviation 1/√inputs, so that xA is as large as x, or the orthonormal columns of one that is.
 */
export function drawFactor(
  inputs: number,
  rank: number,
  kind: 'gaussian' | 'orthogonal',
  random: Random,
): Float32Array {
  const normal = Float64Array.from({ length: inputs * rank }, () => random.normal());
  if (kind === 'orthogonal') return Float32Array.from(qr(matrix(inputs, rank, normal)).q.values);
  return Float32Array.from(normal, (value) => value / Math.sqrt(inputs));
}

/**
 * An orthonormal basis `[inputs, r]` of where a kernel's gradient mostly lies: of ∇(∇ᵀ∇)Ω with Ω normal, `[outputs, r]` (the random
 * range finder of Halko, Martinsson and Tropp 2011 with one power iteration).
 */
export async function gradientFactor(gradient: Tensor, rank: number, random: Random): Promise<Float32Array> {
  const outputs = gradient.shape.at(-1)!;
  const omega = Float32Array.from({ length: outputs * rank }, () => random.normal());
  const range = tidy(() => {
    const g = asMatrix(gradient);
    const once = matMul(g, tensor2d(omega, [outputs, rank]));
    return matMul<Tensor2D>(g, matMul(g, once, true)); // [inputs, r]
  });
  const values = Float64Array.from(await range.data());
  range.dispose();
  const bad = values.find((value) => !Number.isFinite(value));
  if (bad !== undefined) {
    throw new NonFiniteError(
      `lte: the gradient of every kernel must be finite, got ${bad}. Lower the learning rate or scale, or check the inputs' range.`,
    );
  }
  return Float32Array.from(qr(matrix(values.length / rank, rank, values)).q.values);
}
