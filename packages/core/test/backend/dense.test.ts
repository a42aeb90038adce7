import { engine, getBackend, grad, layers, memory, tidy, variableGrads } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { numericGradient, wholeNumbers } from './numeric-gradient.ts';

type Activation = 'linear' | 'relu' | 'elu' | 'sigmoid' | 'tanh' | 'softplus' | 'softmax';

const after: Readonly<Record<Activation, (x: Tensor) => Tensor>> = {
  linear: (x) => x,
  relu: tf.relu,
  elu: tf.elu,
  sigmoid: tf.sigmoid,
  tanh: tf.tanh,
  softplus: tf.softplus,
  softmax: (x) => tf.softmax(x),
};

const cases = (Object.keys(after) as Activation[]).flatMap((activation) =>
  [true, false].flatMap(
    (useBias) =>
    [[4, 3], [1, 3], [2, 3, 3], [2, 1, 2, 3]].map((shape) => ({ activation, useBias, shape })), // prettier-ignore
  ),
);

/** Quarters, away from the corner of relu at 0. */
const odd = (shape: number[], seed: number): Tensor => wholeNumbers(shape, seed).mul(0.5).add(0.25);

interface Parts {
  readonly layer: ReturnType<typeof layers.dense>;
  readonly x: tf.Variable;
  /** The same by operations of TensorFlow.js. */
  readonly composed: (x: Tensor) => Tensor;
  dispose(): void;
}

function made({ activation, useBias, shape }: (typeof cases)[number]): Parts {
  const units = 2;
  const layer = layers.dense({ units, activation, useBias });
  layer.build(shape);
  tidy(() => layer.setWeights([wholeNumbers([3, units], 1), odd([units], 5)].slice(0, useBias ? 2 : 1)));
  const x = tidy(() => wholeNumbers(shape, 2).mul(0.5).variable());
  const composed = (input: Tensor): Tensor => {
    const [kernel, bias] = layer.trainableWeights.map((weight) => weight.read());
    const product = tf.matMul(input.reshape([-1, 3]), kernel as tf.Tensor2D);
    const sum = (bias ? product.add(bias) : product).reshape([...shape.slice(0, -1), units]);
    return after[activation](sum);
  };
  const dispose = (): void => tf.dispose([...layer.weights.map((weight) => weight.read()), x]);
  return { layer, x, composed, dispose };
}

const close = (a: Tensor, b: Tensor): void => {
  expect(a.shape).toEqual(b.shape);
  tf.test_util.expectArraysClose(a.dataSync(), b.dataSync(), 1e-5);
};

it.each(cases)(
  'a dense layer of $activation, bias $useBias, on $shape equals product, sum and activation',
  (of) => {
    const { layer, x, composed, dispose } = made(of);
    const before = [memory().numTensors, engine().backend.numDataIds()];
    tidy(() => {
      close(layer.apply(x) as Tensor, composed(x));
      const weight = wholeNumbers([...of.shape.slice(0, -1), 2], 3);
      const by = (f: (input: Tensor) => Tensor) => variableGrads(() => f(x).mul(weight).sum<Scalar>()).grads;
      const [ours, theirs] = [by((input) => layer.apply(input, { training: true }) as Tensor), by(composed)];
      expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
      expect(Object.keys(ours)).toHaveLength(of.useBias ? 3 : 2);
      for (const [name, gradient] of Object.entries(ours)) close(gradient, theirs[name]!);
    });
    expect([memory().numTensors, engine().backend.numDataIds()]).toEqual(before);
    dispose();
  },
);

it.each(cases.filter(({ shape }) => shape[0] === 2))(
  'its gradient by the input equals a central difference: $activation, bias $useBias, $shape',
  (of) => {
    const { layer, dispose } = made(of);
    tidy(() => {
      const dy = wholeNumbers([...of.shape.slice(0, -1), 2], 4);
      const f = (input: Tensor): Tensor => layer.apply(input) as Tensor;
      const inner = odd(of.shape, 7).add(1 / 16); // no sum of the products is at a corner
      const dx = grad(f)(inner, dy);
      tf.test_util.expectArraysClose(dx.dataSync(), numericGradient(f, inner, dy, 1 / 256), 2e-2);
    });
    dispose();
  },
);

it.each(cases.filter(({ activation, shape }) => ['linear', 'relu'].includes(activation) && shape[0] !== 1))(
  'it differentiates twice: $activation, bias $useBias, $shape',
  (of) => {
    const { layer, x, composed, dispose } = made(of);
    tidy(() => {
      const dy = wholeNumbers(of.shape, 6);
      const twice = (f: (input: Tensor) => Tensor): Tensor =>
        grad((v: Tensor) => grad((u: Tensor) => f(u).square())(v))(x, dy);
      close(
        twice((input) => layer.apply(input) as Tensor),
        twice(composed),
      );
    });
    dispose();
  },
);

it('a gradient of the weights differentiates by the input', () => {
  const { layer, x, composed, dispose } = made({ activation: 'relu', useBias: true, shape: [4, 3] });
  tidy(() => {
    const penalty = (f: (input: Tensor) => Tensor) => (input: Tensor) =>
      tf.addN(
        Object.values(variableGrads(() => f(input).square().sum<Scalar>()).grads).map((g) =>
          g.square().sum(),
        ),
      );
    const [ours, theirs] = [(input: Tensor) => layer.apply(input) as Tensor, composed].map(penalty);
    close(grad(ours!)(x), grad(theirs!)(x));
  });
  dispose();
});

it('integers, no rows, and a call hook reach a dense layer', () => {
  tidy(() => {
    const layer = layers.dense({ units: 2, useBias: false, kernelInitializer: 'ones' });
    const seen: number[][] = [];
    layer.setCallHook((inputs) => void seen.push((inputs as Tensor).shape));
    expect(Array.from((layer.apply(tf.tensor2d([[1, 2, 3]])) as Tensor).dataSync())).toEqual([6, 6]);
    expect(Array.from((layer.apply(tf.tensor2d([[1, 2, 3]], [1, 3], 'int32')) as Tensor).dataSync())).toEqual(
      [6, 6],
    );
    expect((layer.apply(tf.zeros([0, 3])) as Tensor).shape).toEqual([0, 2]);
    expect(seen).toEqual([[1, 3], [1, 3], [0, 3]]); // prettier-ignore
    for (const weight of layer.weights) weight.dispose();
  });
});

it.runIf(getBackend() === 'tensorflow')(
  'a dense layer of relu is one kernel, its gradient four',
  async () => {
    const { layer, x, dispose } = made({ activation: 'relu', useBias: true, shape: [4, 3] });
    const { kernels } = await tf.profile(() =>
      tidy(() => {
        const weights = layer.trainableWeights.map((weight) => weight.read() as tf.Variable);
        const f = (): Scalar => (layer.apply(x) as Tensor).as1D() as unknown as Scalar;
        return tf.engine().gradients(f, [x, ...weights], tf.ones([8])).grads;
      }),
    );
    const names = kernels.map(({ name }) => name).filter((name) => !['Identity', 'Reshape'].includes(name));
    expect(names).toEqual(['OckhamDenseRelu', 'ReluGrad', 'BatchMatMul', 'BatchMatMul', 'Sum']);
    dispose();
  },
);
