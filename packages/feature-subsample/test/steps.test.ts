import {
  complexRoots,
  linearSystem,
  maskFamily,
  maskedGradient,
  polynomialRoots,
  randomProblem,
  solve,
} from '@ockham/feature-subsample';
import { describe, expect, it } from 'vitest';

const binomial = (n: number, k: number): number => (k === 0 ? 1 : (binomial(n - 1, k - 1) * n) / k);

describe('Section 4.2', () => {
  it.each([1, 2, 3, 4, 7])('the roots for T = %i are roots of the polynomial', (T) => {
    const [alpha, eta] = [0.6, 0.5];
    for (const { re, im } of polynomialRoots(T, alpha, eta)) {
      let [real, imaginary] = [0, 0];
      let [powerRe, powerIm] = [1, 0];
      for (let t = 0; t <= T; t++) {
        const a = (t === T ? 1 : binomial(T, t) * alpha ** (T - t - 1) * eta ** (T - t)) * (-1) ** (T - t);
        real += a * powerRe;
        imaginary += a * powerIm;
        [powerRe, powerIm] = [powerRe * re - powerIm * im, powerRe * im + powerIm * re];
      }
      expect(Math.hypot(real, imaginary)).toBeLessThan(1e-12);
    }
  });

  it('are all real for T ≤ 2 or α = 1 alone', () => {
    expect([1, 2, 3, 4, 5].map((T) => complexRoots(T, 0.5))).toEqual([0, 0, 2, 2, 4]);
    expect(complexRoots(5, 1)).toBe(0);
  });

  it('two real roots as steps end where T steps of αη stretched by 1/α end', async () => {
    const { A, b } = randomProblem(20, 10, { seed: 1 });
    const options = {
      method: 'masked',
      steps: 'polynomial',
      localSteps: 2,
      rounds: 3,
      learningRate: 0.4,
      guard: 'off',
    } as const;
    const stretched = await solve(A, b, options);
    const rooted = await solve(A, b, { ...options, form: 'printed' });
    stretched.x.forEach((value, i) => expect(value).toBeCloseTo(rooted.x[i]!, 12));
    expect(stretched.complexRoots).toBe(0);
    const three = await solve(A, b, { ...options, localSteps: 3 });
    expect(three.warnings.join()).toContain('2 of the 3 roots of Section 4.2 are not real');
  });
});

it('the line search leaves a gradient orthogonal to the one before', async () => {
  const { A, b } = randomProblem(20, 6, { seed: 1 });
  const system = linearSystem(A, b);
  const { x } = await solve(A, b, {
    method: 'masked',
    steps: 'line-search',
    alpha: 1,
    workers: 1,
    rounds: 1,
    guard: 'off',
  });
  const mask = maskFamily('bernoulli', system, 1).draw(0, 0);
  const before = maskedGradient(system, mask, new Float64Array(6), 'plain');
  const after = maskedGradient(system, mask, x, 'plain');
  expect(Math.abs(before.reduce((sum, g, i) => sum + g * after[i]!, 0))).toBeLessThan(1e-12);
});
