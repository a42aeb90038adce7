import { bits, checkHermitian, type PauliSum } from './pauli-sum.ts';

/**
 * The terms of a Hermitian sum that flip the same qubits: together they send the state b to b ⊕ x with the factor
 * D(b) = Σ weights[t] (−1)^|b ∧ z[t]|, times i where `imaginary`.
 */
export interface XGroup {
  /** Mask of the qubits that are flipped. */
  readonly x: number;
  /** Whether the factor has an i. */
  readonly imaginary: boolean;
  /** Mask of each term. */
  readonly z: Int32Array;
  /** Real coefficient of each term, signs of Y included. */
  readonly weights: Float64Array;
}

const known = new WeakMap<PauliSum, readonly XGroup[]>();

/**
 * The terms by X-mask, so that a product with the Hamiltonian reads a state once per mask instead of once per term.
 *
 * @throws ArgumentError where the sum is not Hermitian.
 */
export function xGroups(sum: PauliSum): readonly XGroup[] {
  const before = known.get(sum);
  if (before) return before;
  checkHermitian('xGroups', sum);
  const groups = new Map<string, { x: number; imaginary: boolean; z: number[]; weights: number[] }>();
  for (let i = 0; i < sum.x.length; i++) {
    const [x, z] = [sum.x[i]!, sum.z[i]!];
    const ys = bits(x & z) % 4;
    const imaginary = ys % 2 === 1;
    const key = `${x},${imaginary}`;
    const group = groups.get(key) ?? { x, imaginary, z: [], weights: [] };
    groups.set(key, group);
    group.z.push(z);
    group.weights.push(ys >= 2 ? -sum.re[i]! : sum.re[i]!);
  }
  const made = [...groups.values()]
    .sort((a, b) => a.x - b.x)
    .map((group) => ({ ...group, z: Int32Array.from(group.z), weights: Float64Array.from(group.weights) }));
  known.set(sum, made);
  return made;
}
