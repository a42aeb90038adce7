import { Random } from '@ockham/core/random';
import { minimise, type MinimiseRecord, type SmoothFunction } from '@ockham/cssl';
import { describe, expect, it } from 'vitest';

interface Convex {
  readonly name: string;
  readonly f: SmoothFunction;
  readonly start: Float64Array;
  readonly minimum: Float64Array;
  /** Of the gradient, everywhere; undefined where there is none. */
  readonly smoothness?: number;
}

/** Of what a comparison started with, where it ends at the last bits of its numbers. */
const rounding = 1e-14;

const random = new Random(7);
const normals = (n: number) => Float64Array.from({ length: n }, () => random.normal());

/** Σ L_i (x_i − m_i)² / 2, curvatures from `low` to `high`. */
function quadratic(low: number, high: number, n = 20): Convex {
  const curvature = Float64Array.from({ length: n }, (_, i) => low * (high / low) ** (i / (n - 1)));
  const minimum = normals(n);
  return {
    name: `a quadratic with curvatures from ${low} to ${high}`,
    f: (x, g) => {
      let value = 0;
      for (let i = 0; i < n; i++) {
        const d = x[i]! - minimum[i]!;
        g[i] = curvature[i]! * d;
        value += (curvature[i]! * d * d) / 2;
      }
      return value;
    },
    start: normals(n),
    minimum,
    smoothness: high,
  };
}

/** Σ_j log cosh(a_jᵀx): flat far away, curved at its minimum 0. */
function logCosh(rows = 30, n = 5): Convex {
  const a = Array.from({ length: rows }, () => normals(n));
  return {
    name: 'a sum of log cosh',
    f: (x, g) => {
      g.fill(0);
      let value = 0;
      for (const row of a) {
        const z = Math.abs(row.reduce((s, v, i) => s + v * x[i]!, 0));
        const sign = Math.sign(row.reduce((s, v, i) => s + v * x[i]!, 0));
        value += z + Math.log1p(Math.exp(-2 * z)) - Math.LN2;
        for (let i = 0; i < n; i++) g[i]! += sign * Math.tanh(z) * row[i]!;
      }
      return value;
    },
    start: normals(n).map((v) => 5 * v),
    minimum: new Float64Array(n),
    smoothness: a.reduce((s, row) => s + row.reduce((t, v) => t + v * v, 0), 0),
  };
}

/** Σ x⁴ / 4: the gradient has no Lipschitz constant, so that no fixed step is safe from everywhere. */
const quartic: Convex = {
  name: 'a sum of fourth powers',
  f: (x, g) => {
    for (const [i, v] of x.entries()) g[i] = v ** 3;
    return x.reduce((s, v) => s + v ** 4 / 4, 0);
  },
  start: Float64Array.of(30, -4, 0.5),
  minimum: new Float64Array(3),
};

const problems = [quadratic(1, 1000), quadratic(1e-3, 1e-2), logCosh(), quartic];

function run(problem: Convex, options: Omit<Parameters<typeof minimise>[2], 'onIteration'>) {
  const records: MinimiseRecord[] = [];
  const result = minimise(problem.f, problem.start, {
    ...options,
    onIteration: (record) => records.push({ ...record, x: record.x.slice() }),
  });
  return { ...result, records };
}

const squaredDistance = (a: Float64Array, b: Float64Array) => a.reduce((s, v, i) => s + (v - b[i]!) ** 2, 0);

describe('the adaptive step on convex functions', () => {
  it.each(problems)("meets Malitsky and Mishchenko's bound at every iteration, on $name", (problem) => {
    const { records } = run(problem, { iterations: 400 });
    const [x0, x1] = [records[0]!, records[1]!];
    const theta1 = x1.eta / x0.eta;
    // Theorem 1: f(x̂_k) − f* ≤ D / (2 S_k); f* = 0 in all problems
    const D =
      squaredDistance(x1.x, problem.minimum) +
      squaredDistance(x1.x, x0.x) / 2 +
      2 * x1.eta * theta1 * x0.value;
    let steps = x1.eta * theta1;
    let tightest = Number.POSITIVE_INFINITY;
    for (let k = 1; k < records.length; k++) {
      steps += records[k]!.eta;
      const average = new Float64Array(problem.start.length);
      for (let i = 1; i <= k; i++) {
        const { eta, x } = records[i]!;
        const grown = eta * (1 + eta / records[i - 1]!.eta);
        const next = records[i + 1]!;
        const weight = i === k ? grown : grown - next.eta * (next.eta / eta);
        expect(weight).toBeGreaterThanOrEqual(-1e-12 * grown); // what the cap is for
        for (let d = 0; d < average.length; d++) average[d]! += (weight / steps) * x[d]!;
      }
      const reached = problem.f(average, new Float64Array(average.length));
      expect(reached).toBeLessThanOrEqual((D / (2 * steps)) * (1 + 1e-9));
      tightest = Math.min(tightest, D / (2 * steps));
    }
    expect(tightest).toBeLessThan(x0.value); // the bound says something
  });

  it.each(problems)('falls in the energy of its proof at every iteration, on $name', (problem) => {
    const { records } = run(problem, { iterations: 300 });
    const energy = (k: number) => {
      const [before, now, next] = [records[k - 1]!, records[k]!, records[k + 1]!];
      const theta = now.eta / before.eta;
      return (
        squaredDistance(next.x, problem.minimum) +
        squaredDistance(next.x, now.x) / 2 +
        2 * now.eta * (1 + theta) * now.value
      );
    };
    for (let k = 2; k < records.length - 1; k++)
      expect(energy(k)).toBeLessThanOrEqual(energy(k - 1) * (1 + 1e-9) + rounding * energy(1));
  });

  it('finds the minimum of a function that no fixed step is safe for', () => {
    expect(run(quartic, { iterations: 400 }).value).toBeLessThan(1e-6);
    expect(() => run(quartic, { iterations: 400, step: 'fixed', learningRate: 0.01 })).toThrow(
      expect.objectContaining({ code: 'non-finite' }),
    );
  });

  it('takes half of the inverse curvature on a parabola, whatever η₀ was', () => {
    const f: SmoothFunction = (x, g) => ((g[0] = 8 * x[0]!), 4 * x[0]! ** 2);
    for (const initial of [1e-6, 1e-3]) {
      const steps: number[] = [];
      minimise(f, Float64Array.of(3), {
        iterations: 40,
        step: { rule: 'adaptive', initial },
        onIteration: ({ eta }) => steps.push(eta),
      });
      expect(steps.at(-1)).toBeCloseTo(1 / 16, 12);
      expect(steps[0]).toBe(initial);
    }
  });
});

describe('the printed rule', () => {
  it.each(problems)('has a cap of at least 1, on $name', (problem) => {
    const { records } = run(problem, { iterations: 200, step: { rule: 'adaptive', form: 'printed' } });
    for (const { adaptive } of records.slice(1)) expect(adaptive!.cap).toBeGreaterThanOrEqual(1);
  });

  it('is bound by its cap only where the curvature is below 1/2: else the quotient alone decides', () => {
    const share = (problem: Convex) => {
      const { records } = run(problem, { iterations: 200, step: { rule: 'adaptive', form: 'printed' } });
      return records.filter(({ adaptive }) => adaptive!.bound === 'cap').length / records.length;
    };
    expect(share(quadratic(1, 1000))).toBe(0);
    expect(share(quadratic(1e-3, 1e-2))).toBeGreaterThan(0.5);
  });

  it("breaks the growth that the proof needs, which Malitsky and Mishchenko's never does", () => {
    const broken = (form: 'printed' | 'malitsky-mishchenko') =>
      run(logCosh(), { iterations: 200, step: { rule: 'adaptive', form } }).records.filter(
        ({ eta }, k, all) =>
          k >= 2 && eta ** 2 > (1 + all[k - 1]!.eta / all[k - 2]!.eta) * all[k - 1]!.eta ** 2 * (1 + 1e-12),
      ).length;
    expect(broken('malitsky-mishchenko')).toBe(0);
    expect(broken('printed')).toBeGreaterThan(0);
  });
});

describe('the other steps', () => {
  it('meets equation 3 with the fixed step 1/L, its distance squared', () => {
    for (const problem of problems.filter(({ smoothness }) => smoothness !== undefined)) {
      const L = problem.smoothness!;
      const { records } = run(problem, { iterations: 300, step: 'fixed', learningRate: 1 / L });
      const distance = squaredDistance(problem.start, problem.minimum);
      for (const { iteration: t, value } of records)
        expect(value).toBeLessThanOrEqual(((L * distance) / (2 * (2 * t + 1))) * (1 + 1e-9));
    }
  });

  it('reaches a parabola’s minimum in one Polyak step', () => {
    const f: SmoothFunction = (x, g) => ((g[0] = 2 * x[0]!), x[0]! ** 2);
    expect(minimise(f, Float64Array.of(3), { iterations: 1, step: 'polyak' }).x[0]).toBe(0);
    expect(minimise(f, Float64Array.of(3), { iterations: 1, step: { rule: 'polyak', c: 1 } }).x[0]).toBe(1.5);
  });

  it('never comes further from the minimum with Polyak steps', () => {
    for (const problem of problems) {
      const { records } = run(problem, { iterations: 200, step: { rule: 'polyak', c: 1 } });
      for (const [k, { x }] of records.entries()) {
        if (k === 0) continue;
        const former = squaredDistance(records[k - 1]!.x, problem.minimum);
        expect(squaredDistance(x, problem.minimum)).toBeLessThanOrEqual(
          former + rounding * squaredDistance(problem.start, problem.minimum),
        );
      }
    }
  });

  it('lowers the function by the Armijo condition in every line search', () => {
    for (const problem of problems) {
      const { records, evaluations } = run(problem, { iterations: 100, step: 'line-search' });
      for (const [k, { value, squaredNorm, eta }] of records.slice(0, -1).entries())
        expect(records[k + 1]!.value).toBeLessThanOrEqual(
          value - 0.1 * eta * squaredNorm + rounding * records[0]!.value,
        );
      expect(evaluations).toBeGreaterThan(101);
    }
  });
});

describe('bad input', () => {
  const f: SmoothFunction = (x, g) => ((g[0] = x[0]!), x[0]! ** 2 / 2);
  const start = Float64Array.of(1);

  it.each([
    [{ iterations: -1 }, 'iterations must be an integer ≥ 0, got -1'],
    [{ iterations: 1, step: 'fixed' }, 'needs a learningRate > 0, got undefined'],
    [{ iterations: 1, step: 'newton' as 'fixed' }, "step must be 'fixed', 'adaptive'"],
    [{ iterations: 1, step: { rule: 'adaptive', initial: 0 } }, 'step.initial must be a number > 0, got 0'],
    [{ iterations: 1, step: { rule: 'adaptive', growth: 2 } }, 'step.growth must be in (0, 1], got 2'],
    [{ iterations: 1, step: { rule: 'adaptive', smoothing: 1 } }, 'step.smoothing must be in [0, 1), got 1'],
    [{ iterations: 1, step: { rule: 'adaptive', form: 'x' as 'printed' } }, 'step.form must be'],
    [{ iterations: 1, step: { rule: 'adaptive', theta: -1 } }, 'step.theta must be a number > 0, got -1'],
    [{ iterations: 1, step: { rule: 'polyak', c: 0 } }, 'step.c must be a number > 0, got 0'],
    [{ iterations: 1, step: { rule: 'polyak', growth: 0.5 } }, 'step.growth must be a number ≥ 1, got 0.5'],
    [{ iterations: 1, step: { rule: 'line-search', shrink: 1 } }, 'step.shrink must be in (0, 1), got 1'],
    [
      { iterations: 1, step: { rule: 'line-search', trials: 0 } },
      'step.trials must be an integer ≥ 1, got 0',
    ],
  ] as const)('refuses %o', (options, message) => {
    expect(() => minimise(f, start, options)).toThrow(message);
  });

  it('stays where the gradient is 0', () => {
    for (const step of ['adaptive', 'polyak', 'line-search'] as const)
      expect(minimise(f, Float64Array.of(0), { iterations: 5, step }).x[0]).toBe(0);
  });

  it('says when the function is no longer a number', () => {
    expect(() => minimise(() => Number.NaN, start, { iterations: 1 })).toThrow('became NaN');
  });
});
