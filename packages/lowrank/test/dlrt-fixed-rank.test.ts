import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { multiply, qr, svd, type Matrix } from '@ockham/core/linalg';
import { momentsFor } from '../src/dlrt/factor-moments.ts';
import { linearMapOf } from '../src/dlrt/linear-map.ts';
import { MatrixFactors } from '../src/dlrt/matrix-factors.ts';
import type { RankRule } from '../src/dlrt/truncation.ts';
import {
  all,
  dense,
  difference,
  gaussian,
  minus,
  norm,
  start,
  toMatrix,
  toTensor,
  whole,
} from './low-rank-matrices.ts';

const fixed = (rank: number): RankRule => ({ ...all, minRank: rank, maxRank: rank });

/** Half the squared error of a linear layer `[n, m]`, its gradient, and a pass forward and back. */
function regression(n: number, m: number, batch: number) {
  const x = gaussian(batch, m, 'x');
  const target = gaussian(batch, n, 'target');
  const errors = (w: Matrix) => minus(multiply(x, w, { transposeB: true }), target);
  return {
    curvature: svd(x).s[0]! ** 2,
    loss: (w: Matrix) => norm(errors(w)) ** 2 / 2,
    gradient: (w: Matrix) => multiply(errors(w), x, { transposeA: true }),
    pass(factors: MatrixFactors): void {
      tf.tidy(() => {
        const bias = tf.variable(tf.zeros([n])) as unknown as tf.Tensor1D & tf.Variable;
        const [inputs, outputs] = [toTensor(x), toTensor(target)];
        tf.variableGrads(() => {
          const gap = tf.squaredDifference(factors.forward(inputs, bias), outputs);
          return tf.mul<tf.Scalar>(tf.sum(gap), 0.5);
        }, [bias]);
        bias.dispose();
      });
    },
  };
}

describe('a step at fixed rank', () => {
  it.each([[[3, 2, 1]], [[3, 2, 1e-6]]])(
    'is U₁U₁ᵀ(W − ηG) where U₁ spans (W − ηG)V, from singular values %j',
    async (sigma) => {
      const [n, m] = [12, 9];
      const problem = regression(n, m, 20);
      const values = start(n, m, sigma);
      const factors = new MatrixFactors(dense(m, n), values, momentsFor({ name: 'sgd' }, [n, m], 3));
      const w = whole(values);
      problem.pass(factors);
      expect(factors.step(0.01, fixed(3))).toEqual({ rank: 3, discarded: 0, bounded: false });
      const moved = minus(w, problem.gradient(w), 0.01);
      const u1 = qr(multiply(moved, values.v)).q;
      const wanted = multiply(u1, multiply(u1, moved, { transposeA: true }));
      expect(difference(whole(await factors.values()), wanted) / norm(wanted)).toBeLessThan(1e-5);
      factors.dispose();
    },
  );

  it('lowers the loss by at least η(1 − ηL̂/2) of the squared part of the gradient that it follows', async () => {
    const [n, m] = [12, 9];
    const problem = regression(n, m, 20);
    const factors = new MatrixFactors(
      dense(m, n),
      start(n, m, [3, 1, 1e-6]),
      momentsFor({ name: 'sgd' }, [n, m], 3),
    );
    const rate = 1 / problem.curvature;
    for (let i = 0; i < 40; i++) {
      const before = whole(await factors.values());
      problem.pass(factors);
      factors.step(rate, fixed(3));
      const after = whole(await factors.values());
      const length = difference(after, before) ** 2 / rate; // η‖ΠG‖²
      const [was, is] = [problem.loss(before), problem.loss(after)];
      expect(is).toBeLessThanOrEqual(was - length / 2 + 1e-5 * was);
    }
    factors.dispose();
  });

  it('is the same for a convolution, as the matrix [outputs, k·k·channels]', async () => {
    const layer = tf.layers.conv2d({ filters: 6, kernelSize: 3, padding: 'same', inputShape: [5, 5, 4] });
    const values = start(6, 36, [2, 1]);
    const factors = new MatrixFactors(
      linearMapOf(layer, [3, 3, 4, 6]),
      values,
      momentsFor({ name: 'sgd' }, [6, 36], 2),
    );
    const w = whole(values);
    const x = tf.randomNormal<tf.Rank.R4>([2, 5, 5, 4], 0, 1, 'float32', 3);
    const bias = tf.zeros<tf.Rank.R1>([6]);
    const objective = (y: tf.Tensor) => tf.sum<tf.Scalar>(tf.mul(tf.square(y), 0.5));
    const G = tf.tidy(() => {
      const kernel = tf.reshape<tf.Rank.R4>(tf.transpose(toTensor(w)), [3, 3, 4, 6]);
      const made = tf.grad((k) => objective(tf.conv2d(x, k as tf.Tensor4D, 1, 'same')))(kernel);
      return tf.transpose<tf.Tensor2D>(tf.reshape(made, [36, 6]));
    });
    tf.grad((input) => objective(factors.forward(input, bias)))(x).dispose();
    factors.step(0.001, fixed(2));
    const moved = minus(w, toMatrix(G), 0.001);
    const u1 = qr(multiply(moved, values.v)).q;
    const wanted = multiply(u1, multiply(u1, moved, { transposeA: true }));
    expect(difference(whole(await factors.values()), wanted) / norm(wanted)).toBeLessThan(1e-5);
    factors.dispose();
    tf.dispose([x, bias, G]);
  });

  it('does not move where the gradient is zero, and keeps bases that are full', async () => {
    const factors = new MatrixFactors(
      dense(4, 6),
      start(6, 4, [2, 1, 0.5, 0.1]),
      momentsFor({ name: 'sgd' }, [6, 4], 4),
    );
    const before = whole(await factors.values());
    const bias = tf.zeros<tf.Rank.R1>([6]);
    const input = tf.randomNormal([5, 4], 0, 1, 'float32', 3);
    const still = tf.grad((x) => tf.mul(tf.sum(factors.forward(x, bias)), 0))(input);
    factors.step(0.1, fixed(4));
    expect(difference(whole(await factors.values()), before)).toBeLessThan(1e-5);
    factors.dispose();
    tf.dispose([bias, input, still]);
  });

  it('with momentum equals heavy-ball descent where the bases span everything', async () => {
    const [n, m] = [3, 3];
    const problem = regression(n, m, 10);
    const values = start(n, m, [2, 1, 0.5]);
    const spec = { name: 'momentum', momentum: 0.8 } as const;
    const factors = new MatrixFactors(dense(m, n), values, momentsFor(spec, [n, m], 3));
    let w = whole(values);
    let velocity = minus(w, w);
    for (let i = 0; i < 8; i++) {
      velocity = minus(problem.gradient(w), velocity, -0.8);
      w = minus(w, velocity, 0.01);
      problem.pass(factors);
      factors.step(0.01, fixed(3));
    }
    expect(difference(whole(await factors.values()), w) / norm(w)).toBeLessThan(1e-4);
    factors.dispose();
  });
});

describe('memory', () => {
  const [n, m, batch] = [120, 150, 8];
  const denseBytes = 4 * n * m;

  it.each([
    ['sgd', 0],
    ['momentum', 1],
    ['adam', 2],
  ] as const)(
    'of weights, gradients and states falls with the rank, by the formula, with %s',
    async (name, states) => {
      const peaks: number[] = [];
      for (const rank of [4, 8, 16]) {
        const input = tf.randomNormal([batch, m], 0, 1, 'float32', 3);
        const bias = tf.zeros<tf.Rank.R1>([n]);
        const before = tf.memory().numBytes;
        const factors = new MatrixFactors(
          dense(m, n),
          start(n, m, Array<number>(rank).fill(1)),
          momentsFor({ name }, [n, m], rank),
        );
        const held = 4 * rank * (2 * n + m + states * (n + m)); // U, K, V; a moment for each value of K and L
        expect(tf.memory().numBytes - before).toBe(held);
        tf.grad((x) => tf.sum(tf.square(factors.forward(x, bias))))(input).dispose();
        const passed = tf.memory().numBytes;
        const { peakBytes } = await tf.profile(() => {
          factors.step(0.01, fixed(rank));
        });
        expect(tf.memory().numBytes - before).toBe(held);
        peaks.push(peakBytes - passed);
        // what a step adds for a while: gradients, [U | D] and its product with itself, the new bases
        expect(peakBytes - passed).toBeLessThan(
          4 * (8 + 2 * states) * rank * (n + m) + 4 * 4 * (2 * rank) ** 2,
        );
        factors.dispose();
        tf.dispose([input, bias]);
      }
      // the dense layer holds W and its states, and a step adds G
      expect(peaks[0]!).toBeLessThan(denseBytes);
      expect(peaks[1]! / peaks[0]!).toBeGreaterThan(1.6);
      expect(peaks[2]! / peaks[1]!).toBeGreaterThan(1.6);
    },
  );
});
