/**
 * A matrix with at most n non-zero entries in each four consecutive columns of a row (n:4 sparsity; 2:4 for n = 2), in compact
 * form: n values and n 2-bit places for each.
 *
 * For eight rows at a time, group by group and slot by slot, `values` holds eight numbers and `places` two bytes, of four places
 * each, lowest bits first.
 */
export interface SparseGroups {
  /** n. */
  readonly slots: number;
  /** The kept numbers, zeros where a group has fewer than n. */
  readonly values: Float32Array;
  /** Where in its group each number stands, two bits each. */
  readonly places: Uint8Array;
}

/** The most non-zero entries that an output has among four consecutive inputs of a dense matrix `[inputs, outputs]`. */
export function groupSlots(dense: ArrayLike<number>, inputs: number, outputs: number): number {
  let most = 0;
  for (let k = 0; k < inputs; k += 4) {
    for (let o = 0; o < outputs; o++) {
      let count = 0;
      for (let i = k; i < Math.min(inputs, k + 4); i++) count += Number(dense[i * outputs + o] !== 0);
      most = Math.max(most, count);
    }
  }
  return most;
}

/**
 * The compact form of the transpose of a dense matrix `[inputs, outputs]`, row-major, with the fewest slots that hold it. A slot that is
 * not needed is a 0 at place 0.
 */
export function sparseGroupsOf(dense: ArrayLike<number>, inputs: number, outputs: number): SparseGroups {
  const slots = groupSlots(dense, inputs, outputs);
  const [groups, blocks] = [Math.ceil(inputs / 4), Math.ceil(outputs / 8)];
  const values = new Float32Array(blocks * groups * slots * 8);
  const places = new Uint8Array(blocks * groups * slots * 2);
  for (let k = 0; k < inputs; k += 4) {
    for (let o = 0; o < outputs; o++) {
      let at = ((o >> 3) * groups + (k >> 2)) * slots; // of slot 0, in eights
      for (let i = k; i < Math.min(inputs, k + 4); i++) {
        const value = dense[i * outputs + o]!;
        if (value === 0) continue;
        values[8 * at + (o & 7)] = value;
        places[2 * at + ((o & 7) >> 2)]! |= (i - k) << (2 * (o & 3));
        at++;
      }
    }
  }
  return { slots, values, places };
}

/** For each byte of four 2-bit places, the 16 places of bytes that `i8x16.swizzle` takes them by. */
export function groupTable(): Uint8Array {
  return Uint8Array.from({ length: 256 * 16 }, (_, i) => {
    const [byte, lane] = [i >> 4, (i >> 2) & 3];
    return 4 * ((byte >> (2 * lane)) & 3) + (i & 3);
  });
}
