import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import {
  matrix,
  multiply,
  qr,
  svd,
  tensorCholesky,
  tensorEigh,
  tensorQr,
  tensorSvd,
  type Matrix,
} from '@ockham/core/linalg';
import {
  compose,
  definite,
  gaussian,
  orthogonalityError,
  relativeError,
  symmetric,
} from './linalg-matrices.ts';

const bound = 1e-5;

const toTensor = ({ rows, columns, values }: Matrix) =>
  tf.tensor2d(Float32Array.from(values), [rows, columns]);
const toMatrix = (t: tf.Tensor2D) => matrix(t.shape[0], t.shape[1], t.dataSync());

/** ‖qᵀq − I‖ / ‖I‖ */
const departure = (q: Matrix) => orthogonalityError(q) / Math.sqrt(q.columns);

/** Runs and leaves no tensor behind. */
async function on<R extends tf.TensorContainerObject | tf.Tensor>(
  a: Matrix,
  run: (t: tf.Tensor2D) => Promise<R>,
  check: (result: R) => void,
): Promise<void> {
  const before = tf.memory().numTensors;
  const t = toTensor(a);
  const result = await run(t);
  check(result);
  tf.dispose([t, result]);
  expect(tf.memory().numTensors).toBe(before);
}

describe.each([
  [1, 1],
  [1, 9],
  [9, 1],
  [50, 30],
  [30, 50],
  [64, 64],
])('a tensor of %i × %i', (m, n) => {
  const a = gaussian(m, n, 1);
  const k = Math.min(m, n);

  it('tensorSvd composes to the tensor, with the signs of svd', () =>
    on(a, tensorSvd, ({ u, s, v }) => {
      expect([u.shape, s.shape, v.shape]).toEqual([[m, k], [k], [n, k]]);
      expect(
        relativeError(a, compose(toMatrix(u), Float64Array.from(s.dataSync()), toMatrix(v))),
      ).toBeLessThan(bound);
      expect(departure(toMatrix(u))).toBeLessThan(bound);
      expect(departure(toMatrix(v))).toBeLessThan(bound);
      expect(relativeError(svd(a).u, toMatrix(u))).toBeLessThan(1e-3);
    }));

  it.each(['thin', 'full'] as const)('tensorQr %s composes to the tensor, with the signs of qr', (mode) =>
    on(
      a,
      (t) => tensorQr(t, { mode }),
      ({ q, r }) => {
        expect(relativeError(a, multiply(toMatrix(q), toMatrix(r)))).toBeLessThan(bound);
        expect(departure(toMatrix(q))).toBeLessThan(bound);
        expect(relativeError(qr(a, { mode }).r, toMatrix(r))).toBeLessThan(bound);
      },
    ),
  );
});

it.each([1, 6, 40])('tensorEigh and tensorCholesky of order %i compose to the tensor', async (n) => {
  const a = symmetric(n);
  await on(a, tensorEigh, ({ values, vectors }) => {
    const v = toMatrix(vectors);
    expect(relativeError(a, compose(v, Float64Array.from(values.dataSync()), v))).toBeLessThan(bound);
    expect(departure(v)).toBeLessThan(bound);
  });
  const b = definite(n);
  await on(b, tensorCholesky, (l) => {
    expect(relativeError(b, multiply(toMatrix(l), toMatrix(l), { transposeB: true }))).toBeLessThan(bound);
  });
});

it('refuses what cannot be decomposed, and leaves no tensor behind', async () => {
  const nan = tf.tensor2d([1, Number.NaN, 3, 4], [2, 2]);
  const indefinite = tf.tensor2d([1, 2, 2, 1], [2, 2]);
  const skew = tf.tensor2d([1, 2, -2, 1], [2, 2]);
  const row = tf.tensor1d([1]);
  const before = tf.memory().numTensors;
  for (const run of [tensorSvd, tensorQr, tensorEigh, tensorCholesky])
    await expect(run(nan)).rejects.toThrow(/finite, got NaN in row 0, column 1/);
  await expect(tensorSvd(row as never)).rejects.toThrow(/float32 tensor \[rows, columns\]/);
  await expect(tensorCholesky(indefinite)).rejects.toThrow(/pivot 1 of 0 … 1 is not positive/);
  await expect(tensorEigh(skew)).rejects.toThrow(/symmetric/);
  await expect(tensorQr(skew, { mode: 'wide' as never })).rejects.toThrow(/thin or full/);
  expect(tf.memory().numTensors).toBe(before);
  tf.dispose([nan, indefinite, skew, row]);
});
