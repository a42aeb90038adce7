import type { XGroup } from './x-groups.ts';

/** Numbers that tables of one Hamiltonian may hold; beyond, factors are worked out term by term. */
const MOST_NUMBERS = 2 ** 22;

const tables = new WeakMap<readonly XGroup[], readonly Float64Array[]>();

/**
 * D(b) of every group as a table `[2ⁿ]`, by one Walsh–Hadamard transform of the weights each. A group that has no Z
 * is a constant and gets one number.
 *
 * @returns Undefined where the tables would hold more than 4 million numbers.
 */
export function diagonals(groups: readonly XGroup[], size: number): readonly Float64Array[] | undefined {
  const known = tables.get(groups);
  if (known) return known;
  const numbers = groups.reduce((sum, group) => sum + (isConstant(group) ? 1 : size), 0);
  if (numbers > MOST_NUMBERS) return undefined;
  const made = groups.map((group) => {
    if (isConstant(group)) return Float64Array.of(group.weights[0]!);
    const table = new Float64Array(size);
    group.z.forEach((z, t) => (table[z]! += group.weights[t]!));
    transform(table);
    return table;
  });
  tables.set(groups, made);
  return made;
}

/** Whether the group's factor is the same for every state. */
export function isConstant({ z }: XGroup): boolean {
  return z.length === 1 && z[0] === 0;
}

/** `values[b] = Σ_z values[z] (−1)^|b ∧ z|`, in place. */
function transform(values: Float64Array): void {
  for (let half = 1; half < values.length; half *= 2) {
    for (let block = 0; block < values.length; block += 2 * half) {
      for (let i = block; i < block + half; i++) {
        const [a, b] = [values[i]!, values[i + half]!];
        values[i] = a + b;
        values[i + half] = a - b;
      }
    }
  }
}
