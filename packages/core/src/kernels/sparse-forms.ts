import type { SparseForms } from '../backend/wasm-kernels/sparse-weights.ts';
import { sparseBlocksOf } from './sparse-blocks.ts';
import { groupSlots, sparseGroupsOf } from './sparse-groups.ts';
import { sparseRowsOf } from './sparse-rows.ts';

/** The least fraction of a form's values that must be other than 0 for it to be tried. */
const LEAST_FILL = 0.5;

/**
 * The sparse forms that suit a weight: its entries always; 4×1 blocks and n:4 groups where they are not mostly filled with zeros.
 *
 * @param values `[inputs, outputs]`, row-major.
 * @param vectors Whether groups are wanted, which serve products with single vectors.
 */
export function sparseFormsOf(
  values: Float32Array,
  inputs: number,
  outputs: number,
  vectors: boolean,
): SparseForms {
  const rows = sparseRowsOf(values, inputs, outputs);
  const suits = (held: number): boolean => held > 0 && rows.values.length / held >= LEAST_FILL;
  const blocks = sparseBlocksOf(values, inputs, outputs);
  const slots = vectors ? groupSlots(values, inputs, outputs) : 0;
  return {
    ...{ inputs, outputs, rows },
    ...(suits(blocks.values.length) && { blocks }),
    ...(suits(Math.ceil(inputs / 4) * outputs * slots) && {
      groups: sparseGroupsOf(values, inputs, outputs),
    }),
  };
}
