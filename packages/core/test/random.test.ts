import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '@ockham/core/random';

describe('Random', () => {
  it('gives the same numbers for the same seed and other numbers for another', () => {
    const draw = (seed: number) =>
      Array.from(
        { length: 5 },
        (
          (r) => () =>
            r.uniform()
        )(new Random(seed)),
      );
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('splits streams by name, whatever was drawn before', () => {
    const fresh = new Random(3).stream('dropout').uniform();
    const used = new Random(3);
    used.normal();
    expect(used.stream('dropout').uniform()).toBe(fresh);
    expect(used.stream('shuffle').uniform()).not.toBe(fresh);
  });

  it('continues from a saved state to the bit, a spare normal included', () => {
    const random = new Random(11);
    random.normal();
    const copy = Random.fromState(JSON.parse(JSON.stringify(random.getState())));
    expect([copy.normal(), copy.uniform(), copy.stream('a').uniform()]).toEqual([
      random.normal(),
      random.uniform(),
      random.stream('a').uniform(),
    ]);
  });

  it('permutes: every integer once', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 200 }), (seed, n) => {
        expect([...new Random(seed).permutation(n)].sort((a, b) => a - b)).toEqual(
          Array.from({ length: n }, (_, i) => i),
        );
      }),
    );
  });

  it('has the moments of the uniform and the normal distribution', () => {
    const random = new Random(1);
    const n = 20_000;
    const normals = Array.from({ length: n }, () => random.normal());
    const mean = normals.reduce((a, b) => a + b) / n;
    const variance = normals.reduce((a, b) => a + b * b, 0) / n;
    const uniforms = Array.from({ length: n }, () => random.uniform());
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(variance - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(Math.abs(uniforms.reduce((a, b) => a + b) / n - 0.5)).toBeLessThan(4 / Math.sqrt(12 * n));
  });

  it.each([0.05, 0.2, 1, 2.5, 40])('has the moments of the gamma distribution of shape %d', (shape) => {
    const random = new Random(2);
    const n = 20_000;
    const values = Array.from({ length: n }, () => random.gamma(shape));
    const mean = values.reduce((a, b) => a + b) / n;
    const variance = values.reduce((a, b) => a + (b - shape) ** 2, 0) / n;
    expect(Math.abs(mean - shape)).toBeLessThan(4 * Math.sqrt(shape / n));
    // the fourth central moment is 3 shape² + 6 shape
    expect(Math.abs(variance - shape)).toBeLessThan(4 * Math.sqrt((2 * shape ** 2 + 6 * shape) / n));
  });

  it.each([
    [1, 1],
    [0.2, 0.2],
    [2, 5],
    [0.5, 3],
  ])('has the moments of the beta distribution of %d and %d', (a, b) => {
    const random = new Random(3);
    const n = 20_000;
    const values = Array.from({ length: n }, () => random.beta(a, b));
    const [mean, variance] = [a / (a + b), (a * b) / ((a + b) ** 2 * (a + b + 1))];
    expect(Math.abs(values.reduce((x, y) => x + y) / n - mean)).toBeLessThan(4 * Math.sqrt(variance / n));
    const found = values.reduce((x, y) => x + (y - mean) ** 2, 0) / n;
    expect(Math.abs(found / variance - 1)).toBeLessThan(0.05);
  });

  it('gives 0 or 1, never NaN, for a beta distribution that is almost a coin', () => {
    const random = new Random(4);
    const values = Array.from({ length: 1000 }, () => random.beta(0.001, 0.001));
    expect(values.every((v) => v >= 0 && v <= 1)).toBe(true);
    const heads = values.filter((v) => v > 0.5).length;
    expect(Math.abs(heads - 500)).toBeLessThan(4 * Math.sqrt(250));
  });

  it.each([0, -1, NaN, Infinity])('refuses %d as the parameter of a gamma or beta distribution', (shape) => {
    expect(() => new Random(1).gamma(shape)).toThrow(/above 0, got/);
    expect(() => new Random(1).beta(1, shape)).toThrow(/above 0, got/);
  });

  it('refuses a seed that is not an integer', () => {
    expect(() => new Random(0.5)).toThrow(/safe integer, got 0.5/);
  });
});
