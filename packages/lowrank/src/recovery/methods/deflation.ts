/**
 * Section 3.2, rank 1 after rank 1: component k is fitted by factorised descent to what the components before it leave,
 *
 *     min ½‖Y − X Σ_{i<k} a_i b_iᵀ − X a bᵀ‖²,
 *
 * in sequence, each to the end before the next starts, or in parallel, all at once, each on the residual of where those before it
 * stand. Both end at the best approximation of every rank k ≤ r of what X explains of Y.
 *
 * A round moves a by a gradient step of 2/((L + μ)‖b‖²), then b by one of 1/‖Xa‖², which is exact in b. In parallel it moves every
 * component once, from the others of the round before: components are shared out to ranks, and one allGather ends the round.
 *
 * Deviations: a round updates a, then b, where the paper prints both at once. Nothing in the paper says where a component starts:
 * b is random.
 */
import { shareOf } from '@ockham/core/comm';
import { matrix, type Matrix } from '@ockham/core/linalg/matrices';
import { addScaled } from '../least-squares.ts';
import type { Context, Factors, Method } from './method.ts';

/** One component; the arrays lie behind one another, so that one message carries them. */
interface Component {
  /** `[d]`. */
  readonly a: Float64Array;
  /** XᵀX a, `[d]`. */
  readonly Ga: Float64Array;
  /** `[m]`. */
  readonly b: Float64Array;
  /** `[1]`: how far the last round moved a bᵀ, relative to its size. */
  readonly moved: Float64Array;
}

export const sequential: Method = (context) => {
  const { all, width } = startComponents(context);
  const components = componentsIn(all, width, context);
  let k = 0;
  return {
    round() {
      const component = components[k]!;
      move(context, components, k, component);
      if (component.moved[0]! > accuracy(context, k)) return;
      warnOfEmpty(context, k, component);
      k++;
    },
    estimate: () => factorsOf(context, components),
    done: () => k === context.rank,
  };
};

export const parallel: Method = (context) => {
  const { rank, comm } = context;
  const { all, width } = startComponents(context);
  const components = componentsIn(all, width, context);
  const before = all.slice();
  const old = componentsIn(before, width, context);
  const [first, last] = shareOf(rank, comm.rank, comm.size);
  let over = false;
  return {
    async round() {
      before.set(all);
      for (let k = first; k < last; k++) move(context, old, k, components[k]!);
      await comm.allGather(all.subarray(first * width, last * width), all);
      over = components.every(({ moved }, k) => moved[0]! <= accuracy(context, k));
      if (over) for (const [k, component] of components.entries()) warnOfEmpty(context, k, component);
    },
    estimate: () => factorsOf(context, components),
    done: () => over,
  };
};

/**
 * A hundredth of the tolerance, since errors of the earlier components add up in the later ones; not below what rounding leaves of a
 * component beside the first.
 */
function accuracy({ tolerance, problem: { tau } }: Context, k: number): number {
  return Math.max(tolerance / 100, (64 * Number.EPSILON * tau[0]!) / Math.max(tau[k] ?? 0, 1e-12 * tau[0]!));
}

function warnOfEmpty({ warn }: Context, k: number, { a }: Component): void {
  if (a.every((value) => value === 0))
    warn(`nothing is left for component ${k + 1}: those before it explain all that X can.`);
}

function startComponents({ problem: { d, m }, rank, random }: Context): {
  readonly all: Float64Array;
  readonly width: number;
} {
  const width = 2 * d + m + 1;
  const all = new Float64Array(rank * width);
  for (let k = 0; k < rank; k++) {
    const stream = random.stream('component').stream(k);
    for (let j = 0; j < m; j++) all[k * width + 2 * d + j] = stream.normal();
  }
  return { all, width };
}

function componentsIn(all: Float64Array, width: number, { problem: { d, m }, rank }: Context): Component[] {
  return Array.from({ length: rank }, (_, k) => {
    const part = (from: number, length: number): Float64Array =>
      all.subarray(k * width + from, k * width + from + length);
    return { a: part(0, d), Ga: part(d, d), b: part(2 * d, m), moved: part(2 * d + m, 1) };
  });
}

/** A round of component k, beside components 0 … k − 1 of `among`. */
function move(
  { problem: { d, m, G, C, L, mu, tau } }: Context,
  among: readonly Component[],
  k: number,
  { a, Ga, b, moved }: Component,
): void {
  const earlier = among.slice(0, k);
  const eta = 2 / ((L + mu) * dot(b, b));
  const gradient = new Float64Array(d); // XᵀX a ‖b‖² − (XᵀY − Σ XᵀX a_i b_iᵀ) b
  const bb = dot(b, b);
  for (let i = 0; i < d; i++) gradient[i] = Ga[i]! * bb - dotRow(C, i, b);
  for (const other of earlier) addScaled(gradient, dot(other.b, b), other.Ga);
  addScaled(a, -eta, gradient);
  for (let i = 0; i < d; i++) Ga[i] = dotRow(G, i, a);

  const strength = dot(a, Ga); // ‖X a‖²
  if (!(Math.sqrt(strength * bb) > 1e-13 * tau[0]!)) {
    a.fill(0);
    Ga.fill(0);
    moved[0] = 0;
    return;
  }
  const next = new Float64Array(m); // (XᵀY − Σ XᵀX a_i b_iᵀ)ᵀ a / ‖X a‖²
  for (let i = 0; i < d; i++) addScaled(next, a[i]! / strength, C.values.subarray(i * m, (i + 1) * m));
  for (const other of earlier) addScaled(next, -dot(other.Ga, a) / strength, other.b);
  let change = 0;
  for (let j = 0; j < m; j++) change += (next[j]! - b[j]!) ** 2;
  moved[0] =
    (eta * Math.sqrt(dot(gradient, gradient))) / Math.sqrt(dot(a, a)) + Math.sqrt(change / dot(next, next));
  b.set(next);
}

function factorsOf({ problem: { d, m }, rank }: Context, components: readonly Component[]): Factors {
  const columns = (rows: number, of: (component: Component) => Float64Array): Matrix => {
    const made = matrix(rows, rank);
    for (const [k, component] of components.entries()) {
      const from = of(component);
      for (let i = 0; i < rows; i++) made.values[i * rank + k] = from[i]!;
    }
    return made;
  };
  return { A: columns(d, ({ a }) => a), B: columns(m, ({ b }) => b) };
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
}

function dotRow({ columns, values }: Matrix, row: number, x: Float64Array): number {
  let sum = 0;
  for (let j = 0, at = row * columns; j < columns; j++, at++) sum += values[at]! * x[j]!;
  return sum;
}
