import { matrix, qr } from '@ockham/core/linalg/matrices';
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
