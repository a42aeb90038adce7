import { ArgumentError } from '@ockham/core';
import type { Random } from '@ockham/core/random';
import { Circuit } from '../circuit/circuit.ts';

/** Errors of a device, as probabilities. */
export interface Noise {
  /** With this probability a gate on one qubit is followed by a full depolarisation of it. Default 0. */
  readonly oneQubit?: number;
  /** The same for gates on more qubits, on all of them. Default 0. */
  readonly twoQubit?: number;
  /** With this probability a measured bit is read the wrong way round. Default 0. */
  readonly readout?: number;
}

/** @throws ArgumentError for a probability outside [0, 1]. */
export function checkNoise(who: string, noise: Noise): void {
  for (const [name, value] of Object.entries(noise) as [string, number][]) {
    if (!(value >= 0 && value <= 1)) {
      throw new ArgumentError(`${who}: noise.${name} must be a probability in [0, 1], got ${value}.`);
    }
  }
}

/**
 * One trajectory: the circuit with a random Pauli string, the identity among them, where the noise strikes. Over many
 * the mean is the depolarising channel (1 − p) ρ + p I/2ᵏ.
 */
export function noisyTrajectory(circuit: Circuit, noise: Noise, random: Random): Circuit {
  const { oneQubit = 0, twoQubit = 0 } = noise;
  const made = new Circuit(circuit.qubits);
  for (const operation of circuit.operations) {
    made.add(operation);
    const touched = [...operation.controls, ...operation.qubits];
    const probability = touched.length === 1 ? oneQubit : twoQubit;
    if (probability === 0 || random.uniform() >= probability) continue;
    for (const qubit of touched) {
      const letter = random.integer(4);
      if (letter > 0) made[(['x', 'y', 'z'] as const)[letter - 1]!](qubit);
    }
  }
  return made;
}

/** Flips each of the `qubits` lowest bits with probability `readout`. */
export function misread(bits: number, qubits: number, readout: number, random: Random): number {
  if (readout === 0) return bits;
  let read = bits;
  for (let q = 0; q < qubits; q++) if (random.uniform() < readout) read ^= 1 << q;
  return read;
}
