/**
 * One feasible set per layer, sized by the layer's initialisation: every set has the diameter
 * 2 · multiplier · E‖w₀‖₂ (Pokutta, Spiegel and Zimmer 2020, Section 3; Zimmer, Spiegel and Pokutta 2022, Section 4).
 *
 * Deviations: E‖w₀‖₂ is that of Glorot's uniform initialisation, √(2n/(fan_in + fan_out)), from the shape alone and not
 * from samples, so that a resumed run finds the same sets.
 */
import { ArgumentError } from '@ockham/core';
import type { FeasibleSet } from './lmo/index.ts';
import {
  groupKSupportBall,
  kSparsePolytope,
  kSupportBall,
  l1Ball,
  l2Ball,
  lInfinityBall,
} from './lmo/index.ts';

/** A family of sets, as plain data. */
export interface LayerConstraint {
  /**
   * `k-support` and `k-sparse` make single weights small together, which survives magnitude pruning; `group-k-support` does
   * so with whole filters or neurons (the last axis of the kernel).
   */
  readonly set: 'k-support' | 'k-sparse' | 'group-k-support' | 'l1' | 'l2' | 'l-infinity';
  /** k = fraction · n, rounded, for the three sparse sets (n weights, or n filters). In (0, 1]. Default 0.05. */
  readonly fraction?: number;
  /** k is at least this (or n where n is smaller). Default 10, and 1 for groups. */
  readonly minimum?: number;
  /** Radius in units of the expected norm of the initial weights. Default 20. */
  readonly multiplier?: number;
}

/** The set for a variable, or null to leave it unconstrained. */
export type ConstraintRule = (name: string, shape: readonly number[]) => FeasibleSet | null;

/**
 * A rule that puts every kernel (rank ≥ 2) into a set of its own and leaves biases and normalisation parameters free.
 *
 * @throws ArgumentError for an unknown set or a value out of range.
 */
export function constrainKernels(constraint: LayerConstraint): ConstraintRule {
  const { set, fraction = 0.05, minimum = set === 'group-k-support' ? 1 : 10, multiplier = 20 } = constraint;
  const sets = ['k-support', 'k-sparse', 'group-k-support', 'l1', 'l2', 'l-infinity'];
  if (!sets.includes(set))
    throw new ArgumentError(`constrainKernels: set must be one of ${sets.join(', ')}, got ${set}.`);
  if (!(fraction > 0 && fraction <= 1))
    throw new ArgumentError(`constrainKernels: fraction must be in (0, 1], got ${fraction}.`);
  if (!(Number.isInteger(minimum) && minimum >= 1)) {
    throw new ArgumentError(`constrainKernels: minimum must be an integer ≥ 1, got ${minimum}.`);
  }
  if (!(multiplier > 0 && Number.isFinite(multiplier))) {
    throw new ArgumentError(`constrainKernels: multiplier must be positive and finite, got ${multiplier}.`);
  }
  const countOf = (n: number): number => Math.min(n, Math.max(minimum, Math.round(fraction * n)));

  return (_name, shape) => {
    if (shape.length < 2) return null;
    const n = shape.reduce((product, d) => product * d, 1);
    const filters = shape.at(-1)!;
    const radius = multiplier * expectedInitialNorm(shape);
    const k = countOf(n);
    switch (set) {
      case 'k-support':
        return kSupportBall(n, { k, radius });
      case 'k-sparse':
        return kSparsePolytope(n, { k, radius: radius / Math.sqrt(k) });
      case 'group-k-support':
        return groupKSupportBall(
          Int32Array.from({ length: n }, (_, i) => i % filters),
          { k: countOf(filters), radius },
        );
      case 'l1':
        return l1Ball(n, { radius });
      case 'l2':
        return l2Ball(n, { radius });
      case 'l-infinity':
        return lInfinityBall(n, { radius: radius / Math.sqrt(n) });
    }
  };
}

/** The root mean square of ‖w₀‖₂ under Glorot's initialisation, for a kernel `[…, in, out]`. */
export function expectedInitialNorm(shape: readonly number[]): number {
  const receptive = shape.slice(0, -2).reduce((product, d) => product * d, 1);
  const fanIn = receptive * shape.at(-2)!;
  const fanOut = receptive * shape.at(-1)!;
  return Math.sqrt((2 * fanIn * shape.at(-1)!) / (fanIn + fanOut));
}
