/**
 * A look for a level that was missed: one more player of the same game, from a fresh start, above all levels found. What
 * it holds outside of them is judged by its energy e and residual r. With e below the highest level found, one was missed
 * (Cauchy's interlacing); else the weight that it has on levels at or below the highest is at most (r / (e − E))², as its
 * variance is the mean of (E_i − e)², and once that is small it may stop: often at the start.
 */
import { throwIfAborted } from '@ockham/core';
import { counting, type Objective, type Optimizer } from '../optimizers/optimizer.ts';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import { addScaled, innerProduct } from '../simulator/inner-product.ts';
import type { Simulator } from '../simulator/simulator.ts';
import type { Steps } from '../stepping.ts';
import { levelOf, type Level } from './level.ts';

/** Weight on the levels at or below the highest found, under which a probe has seen enough. */
const CLEAR = 0.05;

/** What a probe came to. */
export interface Probe {
  /** Energy of what it holds outside of the levels found, in the Hamiltonian's unit. */
  readonly energy: number;
  /** √variance of that. */
  readonly residual: number;
  /** Upper bound of its weight on levels, other than those found, at or below the highest found; 1 says nothing. */
  readonly weightBelow: number;
  /**
   * `clear`: nothing at or below the highest level, up to `weightBelow`. `missed`: a level below it was missed.
   * `degenerate`: another level is as high. `open`: it ended before it could tell.
   */
  readonly verdict: 'clear' | 'missed' | 'degenerate' | 'open';
  /** Angles at its end. */
  readonly parameters: Float64Array;
}

/** Judges what `state` holds outside of the levels found. */
export function judgeProbe(
  hamiltonian: PauliSum,
  levels: readonly Level[],
  parameters: Float64Array,
  state: Float64Array,
  residualTolerance: number,
): Probe {
  const outside = outsideOf(state, levels.map((level) => level.state)); // prettier-ignore
  if (outside === undefined)
    return { energy: Infinity, residual: Infinity, weightBelow: 1, verdict: 'open', parameters };
  const { energy, residual } = levelOf(hamiltonian, parameters, outside);
  const highest = Math.max(...levels.map((level) => level.energy));
  // what is not quite an eigenstate couples to the probe by at most its residual
  const doubt = Math.hypot(...levels.map((level) => level.residual)) + 1e-9;
  const weightBelow = energy > highest ? Math.min(1, (residual / (energy - highest)) ** 2) : 1;
  const verdict =
    energy < highest - doubt
      ? 'missed'
      : energy > highest + doubt && weightBelow < CLEAR
        ? 'clear'
        : residual <= residualTolerance && energy <= highest + doubt + residual
          ? 'degenerate'
          : 'open';
  return { energy, residual, weightBelow, verdict, parameters };
}

/** What {@link probing} saw. */
export interface ProbeRun {
  readonly probe: Probe;
  /** Points it judged, one after another. */
  readonly looks: number;
  readonly calls: { readonly valueCalls: number; readonly gradientCalls: number; readonly points: number };
}

/** Lets a probe descend from `start` until it can tell, it ends, or `maxCalls` are spent. */
export function* probing(
  simulator: Simulator,
  hamiltonian: PauliSum,
  levels: readonly Level[],
  objective: Objective,
  start: Float64Array,
  optimizer: Optimizer,
  options: {
    readonly who: string;
    readonly maxCalls: number;
    readonly residualTolerance: number;
    readonly signal?: AbortSignal | undefined;
  },
): Steps<ProbeRun> {
  const { who, maxCalls, residualTolerance, signal } = options;
  const counted =
    'valueCalls' in objective ? (objective as ReturnType<typeof counting>) : counting(objective);
  const judge = (x: Float64Array): Probe =>
    judgeProbe(hamiltonian, levels, x.slice(), simulator.run(x).slice(), residualTolerance);
  let probe = judge(start);
  let looks = 1;
  let own = 1; // the start is a circuit of its own, unless the optimiser begins there
  if (probe.verdict === 'open' || probe.verdict === 'degenerate') {
    own = 0;
    for (const { x } of optimizer(counted, start)) {
      probe = judge(x);
      looks++;
      if (probe.verdict === 'clear' || probe.verdict === 'missed' || counted.calls() >= maxCalls) break;
      yield;
      throwIfAborted(signal, who);
    }
  }
  const { valueCalls, gradientCalls, points } = counted;
  return { probe, looks, calls: { valueCalls: valueCalls + own, gradientCalls, points: points + own } };
}

/** The normalised part of a state outside of the span of others; undefined where next to nothing is. */
function outsideOf(state: Float64Array, others: readonly Float64Array[]): Float64Array | undefined {
  const basis: Float64Array[] = [];
  const take = (vector: Float64Array): Float64Array | undefined => {
    const rest = vector.slice();
    for (let pass = 0; pass < 2; pass++) {
      for (const other of basis) {
        const [re, im] = innerProduct(other, rest);
        addScaled(rest, other, -re, -im);
      }
    }
    const norm = Math.sqrt(innerProduct(rest, rest)[0]);
    return norm > 1e-3 ? rest.map((value) => value / norm) : undefined;
  };
  for (const other of others) {
    const made = take(other);
    if (made) basis.push(made);
  }
  return take(state);
}
