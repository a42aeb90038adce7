/**
 * The gradient as a device would take it: values at shifted angles. Two for a rotation or a phase, four for a controlled
 * rotation (Anselmetti et al. 2021), for every angle by itself.
 */
import type { Circuit } from '../circuit/circuit.ts';
import type { PauliSum } from '../hamiltonian/pauli-sum.ts';
import { Simulator, type Projector } from '../simulator/simulator.ts';
import { withOwnAngles, type OwnAngle } from './own-angles.ts';

/** See {@link parameterShift}. */
export interface ShiftGradient {
  /** `[parameters]`. */
  readonly gradient: Float64Array;
  /** Values that were taken. */
  readonly values: number;
}

const NEAR = (Math.SQRT2 + 1) / (4 * Math.SQRT2);
const FAR = (Math.SQRT2 - 1) / (4 * Math.SQRT2);

/** The exact gradient of ⟨H⟩, with projectors, from values alone. */
export function parameterShift(
  circuit: Circuit,
  parameters: ArrayLike<number>,
  hamiltonian: PauliSum,
  projectors: readonly Projector[] = [],
): ShiftGradient {
  const { circuit: free, angles } = withOwnAngles(circuit);
  const simulator = new Simulator(free);
  const at = Float64Array.from(
    angles,
    ({ parameter, scale, offset }) => scale * parameters[parameter]! + offset,
  );
  const gradient = new Float64Array(circuit.parameters);
  let values = 0;
  const value = (x: Float64Array): number => {
    values++;
    return simulator.evaluate(x, hamiltonian, undefined, { projectors }).value;
  };
  shiftGradient(angles, at, value, gradient);
  return { gradient, values };
}

/** The gradient by the parameters, into `into`, from values at shifted angles `at`. */
export function shiftGradient(
  angles: readonly OwnAngle[],
  at: Float64Array,
  value: (at: Float64Array) => number,
  into: Float64Array,
): void {
  into.fill(0);
  angles.forEach(({ parameter, scale, controlled }, i) => {
    const kept = at[i]!;
    const difference = (shift: number): number => {
      at[i] = kept + shift;
      const above = value(at);
      at[i] = kept - shift;
      const below = value(at);
      at[i] = kept;
      return above - below;
    };
    const slope = controlled
      ? NEAR * difference(Math.PI / 2) - FAR * difference((3 * Math.PI) / 2)
      : difference(Math.PI / 2) / 2;
    into[parameter]! += scale * slope;
  });
}
