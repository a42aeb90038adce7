import type { XGroup } from '../hamiltonian/x-groups.ts';
import { parity } from './parity.ts';

/** `out = H psi` by the groups of {@link XGroup}, in plain TypeScript. Returns ⟨psi|H|psi⟩. */
export function multiplyPlain(groups: readonly XGroup[], psi: Float64Array, out: Float64Array): number {
  out.fill(0);
  const size = psi.length / 2;
  for (const { x, imaginary, z, weights } of groups) {
    for (let b = 0; b < size; b++) {
      let factor = 0;
      for (let t = 0; t < z.length; t++) factor += parity(b & z[t]!) ? -weights[t]! : weights[t]!;
      const to = 2 * (b ^ x);
      const [re, im] = [factor * psi[2 * b]!, factor * psi[2 * b + 1]!];
      out[to]! += imaginary ? -im : re;
      out[to + 1]! += imaginary ? re : im;
    }
  }
  let energy = 0;
  for (let i = 0; i < psi.length; i++) energy += psi[i]! * out[i]!;
  return energy;
}
