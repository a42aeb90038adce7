/**
 * Sequential least squares programming (Kraft 1988, DFVLR-FB 88-28), the paper's optimiser, for problems without
 * bounds and constraints: the quadratic subproblem is then one solve with the factors L D Lᵀ of the BFGS matrix, and
 * the merit function of its line search is the objective itself.
 *
 * Deviations: no constraints. The npm port of NLopt has an SLSQP of 900 kB without types or a reason for its stop; this
 * one follows SciPy's trace, and a test holds it to that.
 */
import type { Iterate, Optimizer } from './optimizer.ts';
import { addTo, dot, norm } from './vector.ts';

/** Options of {@link slsqp}. */
export interface SlsqpOptions {
  /** Stop where value, step or slope change by less. Default 1e-6, SciPy's `ftol`. */
  readonly tolerance?: number;
}

/** SLSQP without constraints. */
export function slsqp(options: SlsqpOptions = {}): Optimizer {
  const { tolerance = 1e-6 } = options;
  return function* (objective, start) {
    const n = start.length;
    const x = start.slice();
    const x0 = new Float64Array(n);
    const gradient = new Float64Array(n);
    const before = new Float64Array(n);
    const s = new Float64Array(n);
    const factors = new Factors(n);
    let resets = 1;
    let f = objective.gradient(x, gradient);
    for (;;) {
      for (let i = 0; i < n; i++) s[i] = -gradient[i]!;
      factors.solve(s);
      let slope = dot(gradient, s);
      if (Math.abs(slope) < tolerance) {
        yield { x, value: f };
        return 'converged';
      }
      if (slope >= 0) {
        if (++resets > 5) return 'stalled';
        factors.reset();
        continue;
      }
      x0.set(x);
      const f0 = f;
      let alpha = 1;
      for (let line = 1; ; line++) {
        slope *= alpha;
        for (let i = 0; i < n; i++) s[i]! *= alpha;
        addTo(x, x0, 1, s);
        f = objective.value(x);
        if (f - f0 <= slope / 10 || line > 10) break;
        alpha = Math.max(slope / (2 * (slope - (f - f0))), 0.1);
      }
      if (Math.abs(f - f0) < tolerance || norm(s) < tolerance) {
        yield { x, value: f };
        return 'converged';
      }
      before.set(gradient);
      f = objective.gradient(x, gradient);
      yield { x, value: f } satisfies Iterate;
      if (!factors.update(s, before, gradient)) {
        if (++resets > 5) return 'stalled';
        factors.reset();
      }
    }
  };
}

/** B = L D Lᵀ with a unit lower triangle, in rows. */
class Factors {
  readonly #n: number;
  readonly #l: Float64Array;
  readonly #d: Float64Array;
  readonly #y: Float64Array;
  readonly #bs: Float64Array;

  constructor(n: number) {
    this.#n = n;
    this.#l = new Float64Array(n * n);
    this.#d = new Float64Array(n);
    this.#y = new Float64Array(n);
    this.#bs = new Float64Array(n);
    this.reset();
  }

  reset(): void {
    this.#l.fill(0);
    for (let i = 0; i < this.#n; i++) this.#l[i * this.#n + i] = 1;
    this.#d.fill(1);
  }

  /** `x = B⁻¹ x`. */
  solve(x: Float64Array): void {
    const [n, l, d] = [this.#n, this.#l, this.#d];
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) x[i]! -= l[i * n + j]! * x[j]!;
    for (let i = 0; i < n; i++) x[i]! /= d[i]!;
    for (let i = n - 1; i >= 0; i--) for (let j = i + 1; j < n; j++) x[i]! -= l[j * n + i]! * x[j]!;
  }

  /** The BFGS update with Powell's damping; false where it would be singular. */
  update(s: Float64Array, before: Float64Array, after: Float64Array): boolean {
    const [n, l, d, y, bs] = [this.#n, this.#l, this.#d, this.#y, this.#bs];
    for (let i = 0; i < n; i++) {
      let sum = s[i]!;
      for (let j = i + 1; j < n; j++) sum += l[j * n + i]! * s[j]!;
      bs[i] = d[i]! * sum;
    }
    for (let i = n - 1; i >= 0; i--) for (let j = 0; j < i; j++) bs[i]! += l[i * n + j]! * bs[j]!;
    for (let i = 0; i < n; i++) y[i] = after[i]! - before[i]!;
    let sy = dot(s, y);
    const sbs = dot(s, bs);
    if (sy < 0.2 * sbs) {
      const t = (0.8 * sbs) / (sbs - sy);
      for (let i = 0; i < n; i++) y[i] = t * y[i]! + (1 - t) * bs[i]!;
      sy = 0.2 * sbs;
    }
    if (!(sy > 0 && sbs > 0)) return false;
    this.#add(y, 1 / sy);
    this.#add(bs, -1 / sbs);
    return true;
  }

  /** B + sigma v vᵀ (Fletcher and Powell 1974); destroys v. */
  #add(v: Float64Array, sigma: number): void {
    const [n, l, d] = [this.#n, this.#l, this.#d];
    let t = 1 / sigma;
    const w = new Float64Array(n);
    if (sigma < 0) {
      // the new diagonal from the last row up, so that it stays positive where rounding would not leave it so
      w.set(v);
      for (let i = 0; i < n; i++) {
        for (let j = i + 1; j < n; j++) w[j]! -= w[i]! * l[j * n + i]!;
        t += (w[i]! * w[i]!) / d[i]!;
      }
      if (t >= 0) t = Number.EPSILON / sigma;
      for (let j = n - 1; j >= 0; j--) {
        const u = w[j]!;
        w[j] = t;
        t -= (u * u) / d[j]!;
      }
    }
    for (let i = 0; i < n; i++) {
      const p = v[i]!;
      const delta = p / d[i]!;
      const next = sigma < 0 ? w[i]! : t + delta * p;
      const alpha = next / t;
      d[i]! *= alpha;
      if (i === n - 1) return;
      const beta = delta / next;
      if (alpha > 4) {
        const gamma = t / next;
        for (let j = i + 1; j < n; j++) {
          const u = l[j * n + i]!;
          l[j * n + i] = gamma * u + beta * v[j]!;
          v[j]! -= p * u;
        }
      } else {
        for (let j = i + 1; j < n; j++) {
          v[j]! -= p * l[j * n + i]!;
          l[j * n + i]! += beta * v[j]!;
        }
      }
      t = next;
    }
  }
}
