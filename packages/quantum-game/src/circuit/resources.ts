import type { Circuit } from './circuit.ts';

/** What a circuit needs of a device. */
export interface CircuitResources {
  /** All gates. */
  readonly gates: number;
  /** Gates on two or more qubits, controls counted. */
  readonly twoQubitGates: number;
  /** Layers when every gate starts as early as its qubits allow. */
  readonly depth: number;
  /** Angles that come from the parameter vector. */
  readonly angles: number;
}

/** Counts gates, layers and free angles. */
export function countResources(circuit: Circuit): CircuitResources {
  const free = new Int32Array(circuit.qubits);
  let twoQubitGates = 0;
  let angles = 0;
  for (const operation of circuit.operations) {
    const all = [...operation.controls, ...operation.qubits];
    if (all.length > 1) twoQubitGates++;
    angles += operation.angles.filter((angle) => typeof angle !== 'number').length;
    const layer = Math.max(...all.map((qubit) => free[qubit]!)) + 1;
    for (const qubit of all) free[qubit] = layer;
  }
  return { gates: circuit.operations.length, twoQubitGates, depth: Math.max(0, ...free), angles };
}
