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

  it('refuses a seed that is not an integer', () => {
    expect(() => new Random(0.5)).toThrow(/safe integer, got 0.5/);
  });
});
