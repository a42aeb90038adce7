import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Random } from '@ockham/core/random';
import { makePanelKernel, makePlainPanelKernel, width } from '../src/linalg/panel-kernel.ts';

it('the panel product in WebAssembly equals the plain one to the bit', () => {
  const [fast, plain] = [makePanelKernel(), makePlainPanelKernel()];
  expect(fast.a.buffer.constructor).toBe(ArrayBuffer);
  expect(fast.a.buffer).toBe(fast.b.buffer); // the memory of the module
  expect(plain.a.buffer).not.toBe(plain.b.buffer);
  const size = (max: number) => fc.integer({ min: 1, max });
  fc.assert(
    fc.property(size(64), size(256), size(256), fc.nat(), (m, n, k, seed) => {
      const random = new Random(seed);
      for (const part of ['a', 'b'] as const) {
        plain[part].forEach((_, i) => (plain[part][i] = random.normal()));
        fast[part].set(plain[part]);
      }
      fast.multiply(m, n, k);
      plain.multiply(m, n, k);
      for (let i = 0; i < m; i++)
        expect(fast.c.subarray(i * width, i * width + n)).toEqual(plain.c.subarray(i * width, i * width + n));
    }),
    { numRuns: 10, seed: 1 },
  );
});
