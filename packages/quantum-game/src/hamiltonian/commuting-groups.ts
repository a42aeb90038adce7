import type { PauliSum } from './pauli-sum.ts';

/** Terms that one measurement serves: on every qubit they have the same letter or none. */
export interface CommutingGroup {
  /** Indices of the sum's terms. */
  readonly terms: readonly number[];
  /** Masks of the measured basis: X where only `x` is set, Y where both are, Z where only `z` is. */
  readonly x: number;
  /** See {@link CommutingGroup.x}. */
  readonly z: number;
}

/** Groups the terms, the identity aside, greedily in order of falling coefficients. */
export function commutingGroups(sum: PauliSum): CommutingGroup[] {
  const size = (i: number): number => Math.hypot(sum.re[i]!, sum.im[i]!);
  const order = Array.from(sum.x.keys())
    .filter((i) => sum.x[i] !== 0 || sum.z[i] !== 0)
    .sort((a, b) => size(b) - size(a));
  const groups: { terms: number[]; x: number; z: number }[] = [];
  for (const i of order) {
    const [x, z] = [sum.x[i]!, sum.z[i]!];
    const fits = groups.find((group) => {
      const both = (x | z) & (group.x | group.z);
      return ((x ^ group.x) & both) === 0 && ((z ^ group.z) & both) === 0;
    });
    if (fits) {
      fits.terms.push(i);
      fits.x |= x;
      fits.z |= z;
    } else {
      groups.push({ terms: [i], x, z });
    }
  }
  return groups;
}

/** How many measurement settings an expectation needs; at least one. */
export function countGroups(sum: PauliSum): number {
  return Math.max(1, commutingGroups(sum).length);
}
