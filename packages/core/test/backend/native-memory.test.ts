import { conv2d, getBackend, grads, ones, tidy } from '@tensorflow/tfjs';
import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import { expect, it } from 'vitest';

// On two threads the stock kernel of the native engine ends the process within a few of these.
it.runIf(getBackend() === 'tensorflow')('strided 1×1 convolutions leave the process alive', () => {
  for (let i = 0; i < 40; i++) {
    const total = tidy(() => {
      const x = ones([4, 5 + (i % 9), 7 + (i % 5), 13]);
      const w = ones([1, 1, 13, 6]);
      const f = (a: Tensor, b: Tensor): Tensor => conv2d(a as Tensor4D, b as Tensor4D, [2, 3], 'valid');
      return grads(f)([x, w])[1]!.dataSync()[0];
    });
    expect(total).toBe(4 * Math.ceil((5 + (i % 9)) / 2) * Math.ceil((7 + (i % 5)) / 3));
  }
});
