import { parity } from '../simulator/parity.ts';
import { diagonals } from './diagonals.ts';
import type { XGroup } from './x-groups.ts';

/** `out = H psi` by the groups of {@link XGroup}. Returns ⟨psi|H|psi⟩. */
export function multiply(groups: readonly XGroup[], psi: Float64Array, out: Float64Array): number {
  out.fill(0);
  const tables = diagonals(groups, psi.length / 2);
  groups.forEach((group, g) => {
    if (tables) addGroup(group, tables[g]!, psi, out);
    else addGroupDirectly(group, psi, out);
  });
  let energy = 0;
  for (let i = 0; i < psi.length; i++) energy += psi[i]! * out[i]!;
  return energy;
}

function addGroup({ x, imaginary }: XGroup, table: Float64Array, psi: Float64Array, out: Float64Array): void {
  const size = psi.length / 2;
  const mask = table.length - 1;
  for (let b = 0; b < size; b++) {
    const factor = table[b & mask]!;
    const to = 2 * (b ^ x);
    const re = factor * psi[2 * b]!;
    const im = factor * psi[2 * b + 1]!;
    out[to]! += imaginary ? -im : re;
    out[to + 1]! += imaginary ? re : im;
  }
}

function addGroupDirectly({ x, imaginary, z, weights }: XGroup, psi: Float64Array, out: Float64Array): void {
  const size = psi.length / 2;
  for (let b = 0; b < size; b++) {
    let factor = 0;
    for (let t = 0; t < z.length; t++) factor += parity(b & z[t]!) ? -weights[t]! : weights[t]!;
    const to = 2 * (b ^ x);
    const re = factor * psi[2 * b]!;
    const im = factor * psi[2 * b + 1]!;
    out[to]! += imaginary ? -im : re;
    out[to + 1]! += imaginary ? re : im;
  }
}
