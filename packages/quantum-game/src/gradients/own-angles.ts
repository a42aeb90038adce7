import { parameter } from '../circuit/angle.ts';
import { Circuit } from '../circuit/circuit.ts';

/** One angle of a circuit that depends on a parameter. */
export interface OwnAngle {
  readonly parameter: number;
  readonly scale: number;
  readonly offset: number;
  /** Whether it is the phase of a P gate, or of a U3's φ and λ. */
  readonly phase: boolean;
  /** Whether it turns a rotation that has controls, which has three frequencies instead of one. */
  readonly controlled: boolean;
}

/** The same circuit with a parameter of its own for every angle that depended on one. */
export function withOwnAngles(circuit: Circuit): {
  readonly circuit: Circuit;
  readonly angles: readonly OwnAngle[];
} {
  const made = new Circuit(circuit.qubits);
  const angles: OwnAngle[] = [];
  for (const operation of circuit.operations) {
    const { gate, controls } = operation;
    made.add({
      ...operation,
      angles: operation.angles.map((angle, i) => {
        if (typeof angle === 'number') return angle;
        const phase = gate === 'p' || (gate === 'u3' && i > 0);
        const { scale = 1, offset = 0 } = angle;
        angles.push({
          parameter: angle.parameter,
          scale,
          offset,
          phase,
          controlled: controls.length > 0 && !phase,
        });
        return parameter(angles.length - 1);
      }),
    });
  }
  return { circuit: made, angles };
}
