import { randomProblem, solve } from '@ockham/feature-subsample';
import { expect, it } from 'vitest';
import node from './fixtures/browser.json' with { type: 'json' };

it('solves in a browser as in Node', async () => {
  const { A, b } = randomProblem(24, 16, { seed: 1 });
  const { x, bytes } = await solve(A, b, { workers: 5, rounds: 30, seed: 3 });
  expect(bytes.total).toBe(node.bytes);
  x.forEach((value, i) => expect(value).toBeCloseTo(node.x[i]!, 12)); // engines differ in the last bit of log
});
