import type { Backend } from './backend.ts';
import { multiply } from '../hamiltonian/multiply.ts';
import { MATRIX, FLIP, SWAP, type Primitive } from './primitives.ts';
import { applyPrimitive, gradientTerm } from './twin.ts';

/** The backend in plain TypeScript. */
export function plainBackend(qubits: number, primitives: readonly Primitive[]): Backend {
  const psi = new Float64Array(2 * 2 ** qubits);
  const lambda = new Float64Array(2 * 2 ** qubits);
  return {
    psi,
    lambda,
    forward(angles) {
      primitives.forEach((primitive, i) => applyPrimitive(psi, primitive, angles[i]!));
    },
    multiply: (groups) => multiply(groups, psi, lambda),
    backward(angles, terms) {
      for (let i = primitives.length - 1; i >= 0; i--) {
        const primitive = primitives[i]!;
        const { kind } = primitive;
        if (kind !== MATRIX && kind !== FLIP && kind !== SWAP)
          terms[i] = gradientTerm(lambda, psi, primitive);
        applyPrimitive(psi, primitive, angles[i]!, true);
        applyPrimitive(lambda, primitive, angles[i]!, true);
      }
    },
  };
}
