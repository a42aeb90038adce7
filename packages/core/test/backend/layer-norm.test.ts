import { add, grads, mean, memory, mul, randomNormal, rsqrt, square, sub, sum, tidy } from '@tensorflow/tfjs';
import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { LayerNorm } from '../../src/models/layers/layer-norm.ts';

const epsilon = 1e-3;
const shape = [3, 5, 7];

/** The layer's own way on an engine without a kernel for it. */
function composed(x: Tensor, gamma: Tensor, beta: Tensor): Tensor {
  const centred = sub(x, mean(x, -1, true));
  const normal = mul(centred, rsqrt(add(mean(square(centred), -1, true), epsilon)));
  return add(mul(normal, gamma), beta);
}

const layer = new LayerNorm({ epsilon });
layer.build(shape);

/** What the layer makes of x with these weights. */
function normalised(x: Tensor, gamma: Tensor, beta: Tensor): Tensor {
  const read = (value: Tensor): { read: () => Tensor } => ({ read: () => value });
  const at = { epsilon, gamma: read(gamma), beta: read(beta) };
  return LayerNorm.prototype.call.call(at as unknown as LayerNorm, x);
}

const given = (): Tensor[] => [
  randomNormal(shape, 1, 2, 'float32', 1),
  randomNormal([7], 0, 1, 'float32', 2),
  randomNormal([7], 0, 1, 'float32', 3),
];
const weights = randomNormal(shape, 0, 1, 'float32', 4);

function same(ours: Tensor[], wanted: Tensor[]): void {
  for (const [i, tensor] of ours.entries()) {
    expect(tensor.shape).toEqual(wanted[i]!.shape);
    const [values, others] = [tensor.dataSync(), wanted[i]!.dataSync()];
    for (const [j, value] of values.entries()) expect(value).toBeCloseTo(others[j]!, 3);
  }
}

it('a layer normalises, and has the gradients, as the operations that it is composed of', () => {
  const before = memory().numTensors;
  tidy(() => {
    same(
      [normalised(...(given() as [Tensor, Tensor, Tensor]))],
      [composed(...(given() as [Tensor, Tensor, Tensor]))],
    );
    const [ours, wanted] = [normalised, composed].map((f) =>
      grads((...all: Tensor[]) => sum<Scalar>(mul(f(...(all as [Tensor, Tensor, Tensor])), weights)))(
        given(),
      ),
    );
    same(ours!, wanted!);
  });
  expect(memory().numTensors).toBe(before);
});

it('its gradient has a gradient', () => {
  tidy(() => {
    const [x, gamma, beta] = given() as [Tensor, Tensor, Tensor];
    const [ours, wanted] = [normalised, composed].map((f) =>
      grads((atX: Tensor, atGamma: Tensor) => {
        const first = grads((...at: Tensor[]) =>
          sum<Scalar>(mul(f(...(at as [Tensor, Tensor, Tensor])), weights)),
        );
        const [dx, dGamma, dBeta] = first([atX, atGamma, beta]) as [Tensor, Tensor, Tensor];
        return add<Scalar>(add(sum(square(dx)), sum(square(dGamma))), sum(dBeta));
      })([x, gamma]),
    );
    same(ours!, wanted!);
  });
});
