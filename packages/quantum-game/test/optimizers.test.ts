import {
  adam,
  hydrogen,
  lbfgs,
  minimize,
  naturalGradient,
  nelderMead,
  realAmplitudes,
  rotosolve,
  Simulator,
  slsqp,
  spsa,
  type Objective,
} from '@ockham/quantum-game';
import { describe, expect, it } from 'vitest';
import fixture from './fixtures/slsqp.json' with { type: 'json' };

const rosenbrock = (x: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i + 1 < x.length; i++) sum += 100 * (x[i + 1]! - x[i]! ** 2) ** 2 + (1 - x[i]!) ** 2;
  return sum;
};
const waves = (x: Float64Array): number =>
  x.reduce((sum, v, i) => sum + Math.cos(v + i), 0) + x.reduce((p, v) => p * Math.sin(v), 1);

function objective(name: string, size: number, trace: number[]): Objective {
  const value = name === 'rosenbrock' ? rosenbrock : waves;
  return {
    size,
    value(x) {
      trace.push(value(x));
      return trace.at(-1)!;
    },
    gradient(x, into) {
      into.fill(0);
      if (name === 'rosenbrock') {
        for (let i = 0; i + 1 < x.length; i++) {
          into[i]! += -400 * x[i]! * (x[i + 1]! - x[i]! ** 2) - 2 * (1 - x[i]!);
          into[i + 1]! += 200 * (x[i + 1]! - x[i]! ** 2);
        }
      } else {
        for (let i = 0; i < x.length; i++) {
          const others = x.reduce((p, v, j) => (j === i ? p : p * Math.sin(v)), 1);
          into[i] = -Math.sin(x[i]! + i) + Math.cos(x[i]!) * others;
        }
      }
      return value(x);
    },
  };
}

describe('slsqp', () => {
  it('takes the steps that SciPy takes, value by value', () => {
    for (const { name, start, values, nit } of fixture.cases) {
      const trace: number[] = [];
      const result = minimize(objective(name, start.length, trace), start, slsqp());
      const ours = [
        name === 'rosenbrock' ? rosenbrock(Float64Array.from(start)) : waves(Float64Array.from(start)),
        ...trace,
      ];
      expect(result.reason).toBe('converged');
      expect(ours).toHaveLength(values.length);
      ours.forEach((value, i) => expect(Math.abs(value / values[i]! - 1)).toBeLessThan(1e-5));
      expect(result.iterations).toBe(nit);
    }
  });
});

describe('every optimiser', () => {
  const circuit = realAmplitudes(2);
  const simulator = new Simulator(circuit);
  const target: Objective = {
    size: circuit.parameters,
    value: (x) => simulator.energy(x, hydrogen()),
    gradient: (x, into) => simulator.evaluate(x, hydrogen(), into).value,
  };
  const start = [0.1, -0.4, 0.7, 0.2, -0.3, 0.5, 0.6, -0.2];
  it.each([
    ['slsqp', slsqp({ tolerance: 1e-12 }), 6],
    ['lbfgs', lbfgs(), 10],
    ['adam', adam(), 6],
    ['spsa', spsa({ seed: 1 }), 2],
    ['rotosolve', rotosolve(), 8],
    ['nelderMead', nelderMead(), 4],
    ['naturalGradient', naturalGradient({ circuit }), 6],
  ] as const)('%s finds the ground state of hydrogen', (_name, optimizer, digits) => {
    const { x, valueCalls, gradientCalls } = minimize(target, start, optimizer, { maxCalls: 2_000 });
    expect(simulator.energy(x, hydrogen())).toBeCloseTo(-1.8572750302023795, digits);
    expect(valueCalls + gradientCalls).toBeLessThan(2_020);
  });

  it('stops at its budget and at a signal, between iterations', () => {
    expect(minimize(target, start, adam(), { maxCalls: 5 })).toMatchObject({
      gradientCalls: 5,
      reason: 'budget',
    });
    const controller = new AbortController();
    const run = () =>
      minimize(target, start, adam(), { signal: controller.signal, callback: () => controller.abort() });
    expect(run).toThrow('stopped by the AbortSignal');
  });

  it('refuses a start of another length, and a value that is not finite', () => {
    expect(() => minimize(target, [1], lbfgs())).toThrow('must have 8 parameters');
    expect(() => minimize({ ...target, value: () => NaN }, start, nelderMead())).toThrow(
      'must be finite, got NaN',
    );
  });
});
