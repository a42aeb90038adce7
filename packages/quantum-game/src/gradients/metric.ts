import type { Circuit } from '../circuit/circuit.ts';
import { addScaled, innerProduct } from '../simulator/inner-product.ts';
import { Simulator } from '../simulator/simulator.ts';
import { withOwnAngles } from './own-angles.ts';

/**
 * The Fubini–Study metric Re(⟨∂ᵢψ|∂ⱼψ⟩ − ⟨∂ᵢψ|ψ⟩⟨ψ|∂ⱼψ⟩) of a circuit's state, `[parameters, parameters]` row by row.
 * It costs two states for each angle and the memory of one for each parameter.
 */
export function fubiniStudyMetric(circuit: Circuit, parameters: ArrayLike<number>): Float64Array {
  const n = circuit.parameters;
  const { circuit: free, angles } = withOwnAngles(circuit);
  const simulator = new Simulator(free);
  const at = Float64Array.from(
    angles,
    ({ parameter, scale, offset }) => scale * parameters[parameter]! + offset,
  );
  const psi = simulator.run(at).slice();
  const derivatives = Array.from({ length: n }, () => new Float64Array(psi.length));
  angles.forEach(({ parameter, scale, phase }, i) => {
    const kept = at[i]!;
    if (phase) {
      // ∂P(φ) = i |1⟩⟨1| P(φ), and P(φ + π) = (1 − 2|1⟩⟨1|) P(φ)
      at[i] = kept + Math.PI;
      addScaled(derivatives[parameter]!, psi, 0, scale / 2);
      addScaled(derivatives[parameter]!, simulator.run(at), 0, -scale / 2);
    } else {
      at[i] = kept + Math.PI;
      addScaled(derivatives[parameter]!, simulator.run(at), scale / 4, 0);
      at[i] = kept + 3 * Math.PI;
      addScaled(derivatives[parameter]!, simulator.run(at), -scale / 4, 0);
    }
    at[i] = kept;
  });
  const along = derivatives.map((derivative) => innerProduct(psi, derivative));
  const metric = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const [ar, ai] = along[i]!;
      const [br, bi] = along[j]!;
      metric[i * n + j] = innerProduct(derivatives[i]!, derivatives[j]!)[0] - (ar * br + ai * bi);
    }
  }
  return metric;
}
