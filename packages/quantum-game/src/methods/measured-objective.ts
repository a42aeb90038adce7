/**
 * A level's objective as a device would measure it: every expectation, overlap and mixed energy from shots, by circuits of
 * their own; a gradient by parameter shift of those values.
 */
import { ArgumentError } from '@ockham/core';
import { toRandom, type Random, type Seed } from '@ockham/core/random';
import type { Circuit } from '../circuit/circuit.ts';
import { withOwnAngles } from '../gradients/own-angles.ts';
import { shiftGradient } from '../gradients/parameter-shift.ts';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import {
  estimator,
  resolveShots,
  zeroEstimator,
  type EstimateOptions,
  type Shots,
} from '../measurement/estimate.ts';
import { ancillaCircuit, uncomputeCircuit } from '../measurement/mixed-energy.ts';
import type { Objective } from '../optimizers/optimizer.ts';
import type { Level } from './level.ts';

/** Options of methods that can measure their objective instead of computing it. */
export interface MeasuredOptions {
  /**
   * Measurements of each circuit; whole number from 1. Then values are means over them, gradients come from parameter
   * shift, the default optimiser is `spsa`, and no restart or probe is made unless asked for. The levels and the certificate are
   * computed exactly from the angles found, whatever was measured on the way. Default: exact expectations.
   */
  readonly shots?: number;
  /** Errors of the device; only with `shots`. Default none. */
  readonly noise?: EstimateOptions['noise'];
  /** Random circuits that the shots of a circuit are shared among. Default 1 without gate noise, else min(100, shots). */
  readonly trajectories?: number;
}

/** How to measure, and what to draw from; undefined where expectations are exact. */
export function measurementOf(
  who: string,
  options: MeasuredOptions & { readonly seed: Seed },
): { readonly shots: Shots; readonly random: Random } | undefined {
  const { shots, noise, trajectories } = options ?? {};
  if (shots === undefined) {
    if (noise === undefined && trajectories === undefined) return undefined;
    throw new ArgumentError(`${who}: noise and trajectories need shots, got none. Pass { shots: 1000 } too.`);
  }
  const measured = resolveShots(who, {
    shots,
    ...(noise && { noise }),
    ...(trajectories && { trajectories }),
  });
  return { shots: measured, random: toRandom(options.seed).stream('shots') };
}

/** A level below, with the factor of its penalty. */
export interface MeasuredParent {
  readonly level: Level;
  readonly weight: number;
  /** `overlap`: weight · |⟨j|ψ⟩|². `mixed`: weight · |⟨j|H|ψ⟩|², from Re and Im of the ancilla circuit. */
  readonly kind: 'overlap' | 'mixed';
}

type Measurement = (angles: ArrayLike<number>, random: Random) => number;

/** ⟨H⟩ and penalties from shots; each value draws anew from `random`. */
export function measuredObjective(
  hamiltonian: PauliSum,
  ansatz: Circuit,
  parents: readonly MeasuredParent[],
  shots: Shots,
  random: Random,
): Objective {
  const { circuit, angles } = withOwnAngles(ansatz);
  const energy = estimator(circuit, hamiltonian, shots);
  const penalties = parents.map(({ level, weight, kind }): Measurement => {
    const parent = ansatz.bind(level.parameters);
    if (kind === 'overlap') {
      const zero = zeroEstimator(uncomputeCircuit(parent, circuit), shots);
      return (at, stream) => weight * zero(at, stream).value;
    }
    const parts = (['re', 'im'] as const).map((part) => {
      const made = ancillaCircuit(hamiltonian, parent, circuit, { part });
      return { part, measure: estimator(made.circuit, made.observable, shots) };
    });
    return (at, stream) => {
      let sum = 0;
      for (const { part, measure } of parts) {
        const { value, variance } = measure(at, stream.stream(part));
        sum += value * value - variance; // the square of a mean is too large by its variance
      }
      return weight * sum;
    };
  });
  let calls = 0;
  const measure = (at: ArrayLike<number>): number => {
    const stream = random.stream(`call ${calls++}`);
    return penalties.reduce(
      (sum, penalty, j) => sum + penalty(at, stream.stream(`parent ${j}`)),
      energy(at, stream).value,
    );
  };
  const anglesAt = (x: Float64Array): Float64Array =>
    Float64Array.from(angles, ({ parameter, scale, offset }) => scale * x[parameter]! + offset);
  return {
    size: ansatz.parameters,
    value: (x) => measure(anglesAt(x)),
    gradient(x, into) {
      const at = anglesAt(x);
      shiftGradient(angles, at, measure, into);
      return measure(at);
    },
  };
}
