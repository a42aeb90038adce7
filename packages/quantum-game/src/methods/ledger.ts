import type { Circuit } from '../circuit/circuit.ts';
import { countResources } from '../circuit/resources.ts';

/** What a run cost: exact counts of what was asked, and what a device would have to run for it. */
export interface Ledger {
  /** Evaluations of an objective's value alone. */
  readonly valueCalls: number;
  /** Evaluations of value and gradient together. */
  readonly gradientCalls: number;
  /** Points of parameter space at which anything was evaluated. */
  readonly points: number;
  /** Circuits a device would run: per value its measured groups and overlaps, per gradient two values for each angle. */
  readonly circuits: number;
  /** Measurements; 0 where every expectation was exact. */
  readonly shots: number;
  /** Depth of the deepest circuit. */
  readonly depth: number;
  /** Gates on two or more qubits in it. */
  readonly twoQubitGates: number;
}

/** Collects a {@link Ledger}. */
export class LedgerBook {
  #ledger: Ledger = {
    valueCalls: 0,
    gradientCalls: 0,
    points: 0,
    circuits: 0,
    shots: 0,
    depth: 0,
    twoQubitGates: 0,
  };

  get ledger(): Ledger {
    return this.#ledger;
  }

  /** Adds counts of the objective, each value call running `circuitsPerValue` circuits, each of them `shots` times. */
  addCalls(
    calls: { readonly valueCalls: number; readonly gradientCalls: number; readonly points: number },
    circuit: Circuit,
    circuitsPerValue: number,
    shots: number = 0,
  ): void {
    const { depth, twoQubitGates, angles } = countResources(circuit);
    const before = this.#ledger;
    const circuits = circuitsPerValue * (calls.valueCalls + calls.gradientCalls * (1 + 2 * angles));
    this.#ledger = {
      valueCalls: before.valueCalls + calls.valueCalls,
      gradientCalls: before.gradientCalls + calls.gradientCalls,
      points: before.points + calls.points,
      circuits: before.circuits + circuits,
      shots: before.shots + shots * circuits,
      depth: Math.max(before.depth, depth),
      twoQubitGates: Math.max(before.twoQubitGates, twoQubitGates),
    };
  }
}
