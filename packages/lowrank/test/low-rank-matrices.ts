/** Matrices of the tests of dynamical low-rank steps. */
import * as tf from '@tensorflow/tfjs';
import { matrix, multiply, type Matrix } from '@ockham/core/linalg';
import { toRandom } from '@ockham/core/random';
import { linearMapOf, type LinearMap } from '../src/dlrt/linear-map.ts';
import type { FactorValues } from '../src/dlrt/matrix-factors.ts';
import { randomBasis } from '../src/dlrt/start-factors.ts';
import type { RankRule } from '../src/dlrt/truncation.ts';

export const random = toRandom(5);

/** No truncation. */
export const all: RankRule = { tolerance: 0, norm: 'frobenius', minRank: 1, maxRank: Infinity };

export function gaussian(rows: number, columns: number, name: string): Matrix {
  const stream = random.stream(name);
  return matrix(
    rows,
    columns,
    Float64Array.from({ length: rows * columns }, () => stream.normal()),
  );
}

export const toTensor = (a: Matrix): tf.Tensor2D =>
  tf.tensor2d(Float32Array.from(a.values), [a.rows, a.columns]);
export const toMatrix = (a: tf.Tensor2D): Matrix => matrix(a.shape[0], a.shape[1], a.dataSync());
export const norm = (a: Matrix): number => Math.hypot(...a.values);
export const minus = (a: Matrix, b: Matrix, factor = 1): Matrix => ({
  ...a,
  values: a.values.map((x, i) => x - factor * b.values[i]!),
});
export const difference = (a: Matrix, b: Matrix): number => norm(minus(a, b));

export function start(n: number, m: number, sigma: readonly number[]): FactorValues {
  return {
    u: randomBasis(n, sigma.length, random.stream('u')),
    sigma: Float64Array.from(sigma),
    v: randomBasis(m, sigma.length, random.stream('v')),
  };
}

/** U diag(σ) Vᵀ */
export function whole({ u, sigma, v }: FactorValues): Matrix {
  const scaled = { ...u, values: u.values.map((x, i) => x * sigma[i % sigma.length]!) };
  return multiply(scaled, v, { transposeB: true });
}

export const dense = (m: number, n: number): LinearMap =>
  linearMapOf(tf.layers.dense({ units: n, inputShape: [m] }), [m, n]);
