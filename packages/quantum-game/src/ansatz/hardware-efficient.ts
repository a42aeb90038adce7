import { ArgumentError } from '@ockham/core';
import { parameter } from '../circuit/angle.ts';
import { Circuit } from '../circuit/circuit.ts';

/** Options of {@link hardwareEfficient} and {@link realAmplitudes}. */
export interface HardwareEfficientOptions {
  /** Rotations on every qubit, in order, in each layer. Default `['ry', 'rz']`. */
  readonly rotations?: readonly ('rx' | 'ry' | 'rz')[];
  /** Entangling gate between the layers. Default `cz`. */
  readonly entangler?: 'cx' | 'cz';
  /** Pairs (q, q + 1), or every pair. Default `linear`. */
  readonly entanglement?: 'linear' | 'full';
  /** Entangling layers; there is one more layer of rotations. Default 1. */
  readonly repetitions?: number;
}

/**
 * Layers of rotations with entangling gates between. The defaults on two qubits are the paper's circuit of 8
 * parameters, RY-RZ with one CZ.
 *
 * @param qubits From 1 to 30.
 * @returns A circuit of `rotations.length · (repetitions + 1) · qubits` parameters, in radians.
 * @throws ArgumentError for an option out of range.
 */
export function hardwareEfficient(qubits: number, options: HardwareEfficientOptions = {}): Circuit {
  const { rotations = ['ry', 'rz'], entangler = 'cz', entanglement = 'linear', repetitions = 1 } = options;
  if (!(Number.isSafeInteger(repetitions) && repetitions >= 0)) {
    throw new ArgumentError(
      `hardwareEfficient: repetitions must be a whole number from 0, got ${repetitions}.`,
    );
  }
  for (const [name, given, known] of [
    ['rotations', rotations, ['rx', 'ry', 'rz']],
    ['entangler', [entangler], ['cx', 'cz']],
    ['entanglement', [entanglement], ['linear', 'full']],
  ] as const) {
    const odd = given.find((one) => !(known as readonly string[]).includes(one));
    if (odd !== undefined)
      throw new ArgumentError(`hardwareEfficient: ${name} must be of ${known.join(', ')}, got ${odd}.`);
  }
  const circuit = new Circuit(qubits);
  let next = 0;
  for (let layer = 0; layer <= repetitions; layer++) {
    if (layer > 0) {
      for (let i = 0; i < qubits - 1; i++) {
        const end = entanglement === 'full' ? qubits - 1 : i + 1;
        for (let j = i + 1; j <= end; j++) circuit[entangler](i, j);
      }
    }
    for (const gate of rotations) {
      for (let q = 0; q < qubits; q++) circuit[gate](parameter(next++), q);
    }
  }
  return circuit;
}

/**
 * RY layers with CX between: real amplitudes only. `(repetitions + 1) · qubits` parameters.
 *
 * @param options Default 3 repetitions, linear entanglement.
 * @throws ArgumentError as {@link hardwareEfficient}.
 */
export function realAmplitudes(
  qubits: number,
  options: Pick<HardwareEfficientOptions, 'entanglement' | 'repetitions'> = {},
): Circuit {
  return hardwareEfficient(qubits, { repetitions: 3, ...options, rotations: ['ry'], entangler: 'cx' });
}
