/**
 * The gates a circuit is made of. A controlled gate is its base gate with `controls`, so CX is `x` with one control
 * and CSWAP is `swap` with one.
 */

/** Base gates. `pauli` is exp(−iθ/2 P) for a Pauli string P. */
export type GateName =
  'h' | 'x' | 'y' | 'z' | 's' | 'sdg' | 't' | 'tdg' | 'rx' | 'ry' | 'rz' | 'p' | 'u3' | 'swap' | 'pauli';

/** How many angles and qubits a base gate takes; 0 qubits means any number from 1. */
export const gateShapes: Readonly<Record<GateName, { readonly angles: number; readonly qubits: number }>> = {
  h: { angles: 0, qubits: 1 },
  x: { angles: 0, qubits: 1 },
  y: { angles: 0, qubits: 1 },
  z: { angles: 0, qubits: 1 },
  s: { angles: 0, qubits: 1 },
  sdg: { angles: 0, qubits: 1 },
  t: { angles: 0, qubits: 1 },
  tdg: { angles: 0, qubits: 1 },
  rx: { angles: 1, qubits: 1 },
  ry: { angles: 1, qubits: 1 },
  rz: { angles: 1, qubits: 1 },
  p: { angles: 1, qubits: 1 },
  u3: { angles: 3, qubits: 1 },
  swap: { angles: 0, qubits: 2 },
  pauli: { angles: 1, qubits: 0 },
};

/** The inverse of each gate without angles. */
export const inverseName: Readonly<Partial<Record<GateName, GateName>>> = {
  s: 'sdg',
  sdg: 's',
  t: 'tdg',
  tdg: 't',
};
