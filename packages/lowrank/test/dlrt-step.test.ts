import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matrix, multiply, qr, svd, type Matrix } from '@ockham/core/linalg';
import { extendBasis, type ExtendedBasis } from '../src/dlrt/extend-basis.ts';
import { momentsFor } from '../src/dlrt/factor-moments.ts';
import { inTurns, type Paused } from '../src/dlrt/in-turns.ts';
import { linearMapOf } from '../src/dlrt/linear-map.ts';
import { MatrixFactors, type FactorValues } from '../src/dlrt/matrix-factors.ts';
import { truncatedSvd } from '../src/dlrt/small-svd.ts';
import { randomBasis } from '../src/dlrt/start-factors.ts';
import { largestUsefulRank, truncate } from '../src/dlrt/truncation.ts';
import {
  all,
  dense,
  difference,
  gaussian,
  minus,
  norm,
  random,
  start,
  toMatrix,
  toTensor,
  whole,
} from './low-rank-matrices.ts';

function extended(basis: tf.Tensor2D, directions: tf.Tensor2D): ExtendedBasis {
  function* kept(): Paused<ExtendedBasis> {
    const made = yield* extendBasis(basis, directions);
    tf.keep(made.basis);
    return made;
  }
  return inTurns([kept()])[0]!;
}

describe('the basis of a step', () => {
  it('is orthonormal and spans old and new directions', () => {
    const u = randomBasis(40, 6, random.stream('basis'));
    const d = gaussian(40, 6, 'directions');
    const [basis, directions] = [toTensor(u), toTensor(d)];
    const { basis: made, lift } = extended(basis, directions);
    const q = toMatrix(made);
    expect(q.columns).toBe(12);
    expect(difference(multiply(q, lift), u) / norm(u)).toBeLessThan(1e-6);
    const identity = multiply(q, q, { transposeA: true });
    identity.values.forEach((x, i) => expect(Math.abs(x - (i % 13 === 0 ? 1 : 0))).toBeLessThan(1e-5));
    const projected = multiply(q, multiply(q, d, { transposeA: true }));
    expect(difference(projected, d) / norm(d)).toBeLessThan(1e-6);
    tf.dispose([basis, directions, made]);
  });

  it('leaves out directions that are there already, and repeated ones', () => {
    const u = randomBasis(30, 4, random.stream('there'));
    const inside = multiply(u, gaussian(4, 4, 'mixing'));
    const one = gaussian(30, 1, 'one');
    const repeated = matrix(
      30,
      4,
      Float64Array.from({ length: 120 }, (_, i) => one.values[Math.floor(i / 4)]! * (1 + (i % 4))),
    );
    const [basis, a, b] = [toTensor(u), toTensor(inside), toTensor(repeated)];
    expect(extended(basis, tf.zerosLike(a)).basis.shape).toEqual([30, 4]);
    const { basis: made } = extended(basis, b);
    expect(made.shape).toEqual([30, 5]);
    tf.dispose([basis, a, b, made]);
  });

  it('does not grow beyond the space', () => {
    const u = randomBasis(6, 4, random.stream('full'));
    const [basis, directions] = [toTensor(u), toTensor(gaussian(6, 4, 'more'))];
    const { basis: made } = extended(basis, directions);
    expect(made.shape).toEqual([6, 6]);
    const { basis: again } = extended(made, made);
    expect(again.shape).toEqual([6, 6]);
    tf.dispose([basis, directions, made, again]);
  });
});

describe('truncation', () => {
  const sigma = Float64Array.of(4, 2, 1, 0.5);

  it('keeps the smallest rank whose tail is within the tolerance, in either norm', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 1, maxLength: 8 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        fc.constantFrom('frobenius' as const, 'nuclear' as const),
        (values, tolerance, kind) => {
          const s = Float64Array.from(values).sort().reverse();
          const size = (from: number) =>
            kind === 'nuclear'
              ? s.subarray(from).reduce((a, b) => a + b, 0)
              : Math.hypot(...s.subarray(from));
          const { rank } = truncate(s, { ...all, tolerance, norm: kind });
          const slack = 1e-9 * (size(0) + 1e-300);
          expect(rank === s.length || size(rank) <= tolerance * size(0) + slack).toBe(true);
          if (rank > 1) expect(size(rank - 1)).toBeGreaterThanOrEqual(tolerance * size(0) - slack);
        },
      ),
    );
  });

  it('stays between the bounds and says when the upper one cut', () => {
    expect(truncate(sigma, { ...all, tolerance: 0.9, minRank: 3 }).rank).toBe(3);
    const cut = truncate(sigma, { ...all, maxRank: 2 });
    expect(cut).toMatchObject({ rank: 2, bounded: true });
    expect(cut.discarded).toBeCloseTo(Math.hypot(1, 0.5), 12);
    expect(truncate(sigma, all)).toEqual({ rank: 4, bounded: false, discarded: 0 });
  });

  it('knows the largest rank that saves anything', () => {
    for (const [m, n] of [
      [500, 500],
      [25, 20],
      [500, 10],
      [7, 1],
      [1, 1],
      [6, 3],
    ] as const) {
      const r = largestUsefulRank(m, n);
      expect(r * (m + n)).toBeLessThan(m * n);
      expect((r + 1) * (m + n)).toBeGreaterThanOrEqual(m * n);
    }
  });

  it('decomposes S as a full decomposition does, also where singular values are tiny', () => {
    for (const scale of [1, 1e-7]) {
      const left = qr(gaussian(9, 7, 'left')).q;
      const right = qr(gaussian(7, 7, 'right')).q;
      const s = Float64Array.of(5, 3, 2, 1, scale, scale / 2, scale / 4);
      const core = whole({ u: left, sigma: s, v: right });
      for (const wide of [false, true]) {
        const given = wide
          ? { rows: 7, columns: 9, values: multiply(core, matrix(9, 9), { transposeA: true }).values }
          : core;
        if (wide)
          for (let i = 0; i < 9; i++)
            for (let j = 0; j < 7; j++) given.values[j * 9 + i] = core.values[i * 7 + j]!;
        const made = truncatedSvd(given, { ...all, maxRank: 6 });
        const exact = svd(given);
        expect(made.rank).toBe(6);
        made.s.forEach((x, i) => expect(Math.abs(x - exact.s[i]!)).toBeLessThan(1e-8));
        const back = whole({ u: made.u, sigma: made.s, v: made.v });
        expect(difference(back, given)).toBeLessThan(exact.s[6]! * (1 + 1e-6) + 1e-12);
        for (const basis of [made.u, made.v]) {
          multiply(basis, basis, { transposeA: true }).values.forEach((x, i) =>
            expect(Math.abs(x - (i % 7 === 0 ? 1 : 0))).toBeLessThan(1e-7),
          );
        }
      }
    }
  });
});

describe('a step', () => {
  const [n, m, batch] = [12, 9, 20];
  const x = gaussian(batch, m, 'x');
  const target = gaussian(batch, n, 'target');

  /** Squared error of a linear layer: its gradient and its loss have closed forms. */
  function pass(factors: MatrixFactors): number {
    return tf.tidy(() => {
      const bias = tf.variable(tf.zeros([n])) as unknown as tf.Tensor1D & tf.Variable;
      const { value, grads } = tf.variableGrads(
        () =>
          tf.mul<tf.Scalar>(
            tf.sum(tf.squaredDifference(factors.forward(toTensor(x), bias), toTensor(target))),
            0.5,
          ),
        [bias],
      );
      const offsets = Object.values(grads)[0]!.dataSync();
      const errors = multiply(x, whole(current(factors)), { transposeB: true });
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let i = 0; i < batch; i++) sum += errors.values[i * n + j]! - target.values[i * n + j]!;
        expect(Math.abs(offsets[j]! - sum)).toBeLessThan(1e-3);
      }
      bias.dispose();
      return value.dataSync()[0]!;
    });
  }

  const snapshots = new Map<MatrixFactors, FactorValues>();
  const current = (factors: MatrixFactors) => snapshots.get(factors)!;

  const gradientAt = (w: Matrix): Matrix => {
    const errors = multiply(x, w, { transposeB: true });
    return multiply({ ...errors, values: errors.values.map((e, i) => e - target.values[i]!) }, x, {
      transposeA: true,
    });
  };

  async function make(
    sigma: readonly number[],
    spec: Parameters<typeof momentsFor>[0],
  ): Promise<MatrixFactors> {
    const factors = new MatrixFactors(
      dense(m, n),
      start(n, m, sigma),
      momentsFor(spec, [n, m], sigma.length),
    );
    snapshots.set(factors, await factors.values());
    return factors;
  }

  it('is the projected gradient step Ũ(S̃ − ηŨᵀGṼ)Ṽᵀ of the talk, from one pass forward and back', async () => {
    const before = tf.memory().numTensors;
    const factors = await make([3, 2, 1], { name: 'sgd' });
    const w = whole(await factors.values());
    const G = gradientAt(w);
    pass(factors);
    const { rank, discarded } = factors.step(0.01, all);
    expect(rank).toBe(6);
    expect(discarded).toBe(0);
    // Householder QR of [K₁ | U] and [L₁ | V], as printed
    const given = current(factors);
    const beside = (a: Matrix, b: Matrix) => {
      const made = matrix(a.rows, a.columns + b.columns);
      for (let i = 0; i < a.rows; i++) {
        made.values.set(a.values.subarray(i * a.columns, (i + 1) * a.columns), i * made.columns);
        made.values.set(b.values.subarray(i * b.columns, (i + 1) * b.columns), i * made.columns + a.columns);
      }
      return made;
    };
    const k1 = minus(multiply(w, given.v), multiply(G, given.v), 0.01);
    const l1 = minus(
      multiply(w, given.u, { transposeA: true }),
      multiply(G, given.u, { transposeA: true }),
      0.01,
    );
    const u = qr(beside(k1, given.u)).q;
    const v = qr(beside(l1, given.v)).q;
    const lifted = multiply(multiply(u, w, { transposeA: true }), v);
    const moved = minus(lifted, multiply(multiply(u, G, { transposeA: true }), v), 0.01);
    const wanted = multiply(multiply(u, moved), v, { transposeB: true });
    const got = whole(await factors.values());
    expect(difference(got, wanted) / norm(wanted)).toBeLessThan(1e-5);
    factors.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('never raises the loss without truncation, nor by more than ‖G‖τ + L̂τ²/2 with it', async () => {
    const curvature = svd(x).s[0]! ** 2;
    for (const rule of [all, { ...all, tolerance: 0.3 }, { ...all, minRank: 3, maxRank: 3 }]) {
      const factors = await make([3, 2, 1], { name: 'sgd' });
      let loss = pass(factors);
      for (let i = 0; i < 25; i++) {
        const { discarded } = factors.step(0.9 / curvature, rule);
        snapshots.set(factors, await factors.values());
        const G = gradientAt(whole(current(factors)));
        const next = pass(factors);
        const allowed = discarded * norm(G) + (curvature * discarded ** 2) / 2;
        expect(next).toBeLessThanOrEqual(loss * (1 + 1e-5) + allowed);
        loss = next;
      }
      factors.dispose();
    }
  });

  it('moves as far from a singular value of 1e-6 as from none', async () => {
    const losses: number[] = [];
    for (const last of [1e-6, 1]) {
      const factors = await make([3, 2, last], { name: 'sgd' });
      pass(factors);
      for (let i = 0; i < 40; i++) {
        factors.step(0.5 / svd(x).s[0]! ** 2, { ...all, minRank: 3, maxRank: 3 });
        snapshots.set(factors, await factors.values());
        losses[losses.length - 1 + (i === 0 ? 1 : 0)] = pass(factors);
      }
      factors.dispose();
    }
    expect(Math.abs(losses[0]! / losses[1]! - 1)).toBeLessThan(0.02);
  });

  it.each(['momentum', 'adam'] as const)(
    'with %s carries its moments over to the new bases',
    async (name) => {
      const before = tf.memory().numTensors;
      const factors = await make([3, 2, 1], { name });
      const first = pass(factors);
      let loss = first;
      for (let i = 0; i < 60; i++) {
        const { rank } = factors.step(name === 'adam' ? 0.03 : 0.1 / svd(x).s[0]! ** 2, {
          ...all,
          tolerance: 0.05,
          maxRank: 7,
        });
        snapshots.set(factors, await factors.values());
        loss = pass(factors);
        const saved = await factors.save();
        for (const [key, values] of Object.entries(saved.arrays)) {
          expect(values.every(Number.isFinite)).toBe(true);
          if (key.startsWith('v') && key.length === 2) expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
          if (key === 'mK') expect(values.length).toBe(n * rank);
        }
      }
      // the best that rank 7 of 9 can do, from the closed form
      expect(loss).toBeLessThan(0.5 * first);
      factors.dispose();
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  it('with momentum equals heavy-ball descent where the bases span everything', async () => {
    const [rows, columns] = [4, 3];
    const inputs = gaussian(10, columns, 'inputs');
    const wanted = gaussian(10, rows, 'wanted');
    const layer = tf.layers.dense({ units: rows, inputShape: [columns] });
    const factors = new MatrixFactors(
      linearMapOf(layer, [columns, rows]),
      start(rows, columns, [2, 1, 0.5]),
      momentsFor({ name: 'momentum', momentum: 0.8 }, [rows, columns], 3),
    );
    let w = whole(await factors.values());
    let velocity = matrix(rows, columns);
    for (let i = 0; i < 8; i++) {
      const errors = multiply(inputs, w, { transposeB: true });
      const G = multiply({ ...errors, values: errors.values.map((e, j) => e - wanted.values[j]!) }, inputs, {
        transposeA: true,
      });
      velocity = { ...G, values: G.values.map((g, j) => 0.8 * velocity.values[j]! + g) };
      w = { ...w, values: w.values.map((value, j) => value - 0.01 * velocity.values[j]!) };
      tf.tidy(() => {
        const bias = tf.variable(tf.zeros([rows])) as unknown as tf.Tensor1D & tf.Variable;
        const offset = toTensor(wanted);
        tf.variableGrads(
          () =>
            tf.mul<tf.Scalar>(
              tf.sum(tf.squaredDifference(factors.forward(toTensor(inputs), bias), offset)),
              0.5,
            ),
          [bias],
        );
        bias.dispose();
      });
      factors.step(0.01, all);
    }
    expect(difference(whole(await factors.values()), w) / norm(w)).toBeLessThan(1e-4);
    factors.dispose();
  });

  it('never makes a tensor as large as W', async () => {
    const [wide, rank] = [200, 8];
    const layer = tf.layers.dense({ units: wide, inputShape: [wide] });
    const sigma = Array.from({ length: rank }, (_, i) => 1 / (1 + i));
    const factors = new MatrixFactors(
      linearMapOf(layer, [wide, wide]),
      start(wide, wide, sigma),
      momentsFor({ name: 'adam' }, [wide, wide], rank),
    );
    const input = tf.randomNormal([16, wide], 0, 1, 'float32', 3);
    const bias = tf.variable(tf.zeros([wide])) as unknown as tf.Tensor1D & tf.Variable;
    const { kernels, peakBytes } = await tf.profile(() => {
      tf.tidy(() => {
        tf.variableGrads(() => tf.sum<tf.Scalar>(tf.square(factors.forward(input, bias))), [bias]);
      });
      factors.step(0.001, { ...all, maxRank: rank });
    });
    expect(kernels.length).toBeGreaterThan(20);
    const largest = Math.max(
      ...kernels.flatMap(({ outputShapes }) => outputShapes.map((shape) => tf.util.sizeFromShape(shape))),
    );
    expect(largest).toBeLessThan((wide * wide) / 4);
    expect(peakBytes).toBeLessThan(20 * 4 * rank * 2 * wide + 4 * wide * wide);
    factors.dispose();
    tf.dispose([input, bias]);
  });
});

describe('a convolution', () => {
  it.each([
    { padding: 'same' as const, strides: 1 },
    { padding: 'valid' as const, strides: 2 },
  ])(
    'has the values and gradients of the one it stands for ($padding, $strides)',
    async ({ padding, strides }) => {
      const layer = tf.layers.conv2d({ filters: 6, kernelSize: 3, padding, strides, inputShape: [8, 8, 4] });
      const map = linearMapOf(layer, [3, 3, 4, 6]);
      const factors = new MatrixFactors(map, start(6, 36, [2, 1]), momentsFor({ name: 'sgd' }, [6, 36], 2));
      const values = await factors.values();
      const x = tf.randomNormal<tf.Rank.R4>([2, 8, 8, 4], 0, 1, 'float32', 3);
      const bias = tf.tensor1d([1, 2, 3, 4, 5, 6]);
      const w = tf.tidy(() => tf.reshape<tf.Rank.R4>(tf.transpose(toTensor(whole(values))), [3, 3, 4, 6]));
      const full = (input: tf.Tensor4D, kernel: tf.Tensor4D) =>
        tf.add(tf.conv2d(input, kernel, strides, padding), bias);
      const objective = (y: tf.Tensor) => tf.sum<tf.Scalar>(tf.mul(tf.square(y), 0.5));
      const expected = tf.grads((input, kernel) =>
        objective(full(input as tf.Tensor4D, kernel as tf.Tensor4D)),
      )([x, w]);
      const got = tf.grad((input) => objective(factors.forward(input, bias)))(x);
      const gap = (a: tf.Tensor, b: tf.Tensor) => tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!);
      expect(gap(full(x, w), factors.forward(x, bias))).toBeLessThan(1e-4);
      expect(gap(got, expected[0]!)).toBeLessThan(1e-3);
      factors.step(0.001, all);
      const G = toMatrix(tf.tidy(() => tf.transpose<tf.Tensor2D>(tf.reshape(expected[1]!, [36, 6]))));
      // the new W is the old one minus the gradient's projection: it descends along G
      const moved = whole(await factors.values());
      const before = whole(values);
      const alongG = moved.values.reduce(
        (sum, value, i) => sum + (value - before.values[i]!) * G.values[i]!,
        0,
      );
      expect(alongG).toBeLessThan(0);
      const step = difference(moved, before);
      expect(Math.abs(alongG + step ** 2 / 0.001) / Math.abs(alongG)).toBeLessThan(1e-3);
      factors.dispose();
    },
  );
});
