/**
 * Where Frank-Wolfe moves: toward a vertex (the paper's Algorithm 1), away from one or from one to another (Lacoste-Julien and
 * Jaggi 2015, Algorithms 1 and 2), or toward the vertex of an averaged gradient (Li, Sadeghi and Giannakis 2021, "Heavy
 * ball momentum for conditional gradient", Algorithm 2).
 *
 * Notation: g = ∇f(x_t), s the oracle's vertex, a the worst active atom, m the averaged gradient, δ = 2/(t+2).
 * Deviations: `momentum` accepts every step rule, not only δ; its bound holds for each that lowers f at least as
 * much as δ does on the quadratic model.
 */
import { ArgumentError } from '@ockham/core';
import type { Atom } from './active-set.ts';
import { ActiveSet } from './active-set.ts';
import type { FeasibleSet } from './lmo/feasible-set.ts';

/** How the direction is chosen. */
export type FrankWolfeVariant = 'vanilla' | 'away-step' | 'pairwise' | 'momentum';

/** What a step did: `drop` removed an atom from the active set. */
export type MoveKind = 'toward' | 'away' | 'pairwise' | 'drop';

/** A proposed move from x_t. */
export interface Move {
  readonly kind: MoveKind;
  /** d. */
  readonly direction: Float64Array;
  /** ⟨-g, d⟩. */
  readonly descent: number;
  readonly maxStep: number;
  /** An upper bound of f(x_t) - min f, for convex f. */
  readonly gap: number;
  /** Whether a full step removes an atom. */
  readonly dropsAtMax: boolean;
  /** Moves x_t by `step` along d, in place. */
  commit(step: number): void;
}

/** Proposes moves; owns the state that a variant carries along. */
export interface Direction {
  next(t: number, x: Float64Array, value: number, gradient: Float64Array, allowed: number): Move;
  atoms?(): Atom[];
}

/** @throws ArgumentError for an unknown variant. */
export function createDirection(
  variant: FrankWolfeVariant,
  set: FeasibleSet,
  start: Float64Array,
): Direction {
  switch (variant) {
    case 'vanilla':
      return vanilla(set);
    case 'momentum':
      return momentum(set);
    case 'away-step':
    case 'pairwise':
      return withActiveSet(variant, set, start);
    default:
      throw new ArgumentError(
        `frankWolfe: variant must be 'vanilla', 'away-step', 'pairwise' or 'momentum', got '${String(variant)}'.`,
      );
  }
}

function vanilla(set: FeasibleSet): Direction {
  const s = new Float64Array(set.dimension);
  return {
    next(_t, x, _value, gradient, allowed) {
      set.minimize(gradient, s, allowed);
      const move = toward(x, s, gradient);
      return { ...move, gap: certificate(move.descent + allowed) };
    },
  };
}

function momentum(set: FeasibleSet): Direction {
  const m = new Float64Array(set.dimension);
  const s = new Float64Array(set.dimension);
  let intercept = 0; // Σ w_i (f(x_i) - ⟨g_i, x_i⟩): with m it is a minorant of f
  let lowerBound = -Infinity;
  return {
    next(t, x, value, gradient, allowed) {
      const delta = 2 / (t + 2);
      for (let i = 0; i < m.length; i++) m[i] = (1 - delta) * m[i]! + delta * gradient[i]!;
      intercept = (1 - delta) * intercept + delta * (value - dot(gradient, x));
      set.minimize(m, s, allowed);
      lowerBound = Math.max(lowerBound, intercept + dot(m, s) - allowed);
      return { ...toward(x, s, gradient), gap: certificate(value - lowerBound) };
    },
  };
}

function withActiveSet(variant: 'away-step' | 'pairwise', set: FeasibleSet, start: Float64Array): Direction {
  const active = new ActiveSet(start);
  const s = new Float64Array(set.dimension);
  return {
    atoms: () => active.atoms(),
    next(_t, x, _value, gradient, allowed) {
      set.minimize(gradient, s, allowed);
      const forward = toward(x, s, gradient);
      const gap = certificate(forward.descent + allowed);
      const worst = active.worst(gradient);
      const a = active.vertex(worst);
      const weight = active.weight(worst);
      const after = (change: (step: number) => void) => (step: number) => {
        change(step);
        active.combine(x);
      };

      if (variant === 'pairwise') {
        const d = difference(s, a);
        const commit = after((step) => active.pairwise(worst, s, step));
        return {
          kind: 'pairwise',
          direction: d,
          descent: -dot(gradient, d),
          maxStep: weight,
          gap,
          dropsAtMax: true,
          commit,
        };
      }
      const back = difference(x, a);
      const descent = -dot(gradient, back);
      if (active.size === 1 || forward.descent >= descent) {
        return { ...forward, gap, commit: after((step) => active.toward(s, step)) };
      }
      const commit = after((step) => active.away(worst, step));
      return {
        kind: 'away',
        direction: back,
        descent,
        maxStep: weight / (1 - weight),
        gap,
        dropsAtMax: true,
        commit,
      };
    },
  };
}

/** x ← (1 - γ)x + γs. */
function toward(x: Float64Array, s: Float64Array, gradient: Float64Array): Omit<Move, 'gap'> {
  const d = difference(s, x);
  return {
    kind: 'toward',
    direction: d,
    descent: -dot(gradient, d),
    maxStep: 1,
    dropsAtMax: false,
    commit(step) {
      for (let i = 0; i < x.length; i++) x[i] = (1 - step) * x[i]! + step * s[i]!;
    },
  };
}

/** A gap is never negative: at the optimum rounding alone could make it so. */
function certificate(gap: number): number {
  return Math.max(0, gap);
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value - b[i]!);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
