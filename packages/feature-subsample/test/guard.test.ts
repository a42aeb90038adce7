import { guard, randomProblem, solve } from '@ockham/feature-subsample';
import { expect, it } from 'vitest';

const { A, b, optimum } = randomProblem(20, 30, { seed: 1, condition: 3 });

it('calls gradient descent safe up to 2/σ² and not above', async () => {
  const { safe, largestLearningRate } = await guard(A, b, { method: 'gd', search: true, rounds: 400 });
  expect(safe).toBe(true);
  expect(largestLearningRate!).toBeGreaterThan(1.7); // σ = 1
  expect(largestLearningRate!).toBeLessThan(2.1);
});

it('warns of a step that diverges, or refuses it, as asked', async () => {
  const options = {
    method: 'consensus',
    alpha: 0.4,
    localSteps: 16,
    learningRate: 1,
    rounds: 100,
    optimum,
  } as const;
  const r = await solve(A, b, options);
  expect(r.guard).toMatchObject({ safe: false });
  expect(r.warnings[0]).toContain('is foreseen not to converge');
  expect(r.history.at(-1)!.distance!).toBeGreaterThan(10);
  await expect(solve(A, b, { ...options, guard: 'error' })).rejects.toThrow(
    'is foreseen not to converge in 100 rounds',
  );
});

it('finds the negative curvature of the deregularised local operator, and that more local steps are not safe', async () => {
  const { localSpectrum, largestLocalSteps } = await guard(A, b, {
    method: 'consensus',
    alpha: 0.4,
    search: true,
    rounds: 60,
    learningRate: 0.3,
  });
  expect(localSpectrum!.smallest).toBeLessThan(0);
  expect(largestLocalSteps!).toBeGreaterThanOrEqual(1);
  expect(largestLocalSteps!).toBeLessThan(64);
});

it('names the least rate found where the first is far too large', async () => {
  const { safe, largestLearningRate } = await guard(A, b, {
    method: 'deregularised',
    learningRate: 500,
    search: true,
    rounds: 60,
  });
  expect(safe).toBe(false);
  expect(largestLearningRate!).toBeLessThan(10);
});
