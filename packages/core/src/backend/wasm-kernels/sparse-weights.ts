import type { TensorInfo } from '@tensorflow/tfjs-core';
import { ArgumentError } from '../../errors.ts';
import type { SparseBlocks } from '../../kernels/sparse-blocks.ts';
import { groupTable, type SparseGroups } from '../../kernels/sparse-groups.ts';
import type { SparseRows } from '../../kernels/sparse-rows.ts';
import { SLICE_COLUMNS, sparseSlicesOf } from '../../kernels/sparse-slices.ts';
import type { AttachedKernels } from './attach.ts';

/** How a weight is held: its entries, its 4×1 blocks, or its n:4 groups, which serve products with one vector only. */
export type SparseForm = 'rows' | 'blocks' | 'groups';

/** The forms of a weight `[inputs, outputs]` to choose from. */
export interface SparseForms {
  readonly inputs: number;
  readonly outputs: number;
  readonly rows: SparseRows;
  readonly blocks?: SparseBlocks;
  readonly groups?: SparseGroups;
}

/** Entries with a column each, or blocks of four, for products with several vectors and convolutions. */
export interface PlacedEntries {
  /** Byte offsets of the arrays in the engine's memory. */
  readonly starts: number;
  readonly values: number;
  /** The byte offset of the entries' places, `place(column)` bytes each, made once for each `key`. */
  offsets(key: string, place: (column: number) => number): number;
}

/** {@link SparseSlices} of some consecutive columns, in byte offsets. */
export interface PlacedSlices {
  /** The first column. */
  readonly from: number;
  readonly inputs: number;
  readonly order: number;
  readonly starts: number;
  readonly offsets: number;
  readonly values: number;
}

/** {@link SparseGroups}, in byte offsets. */
export interface PlacedGroups {
  readonly slots: number;
  readonly values: number;
  readonly places: number;
  readonly table: number;
}

/** A weight's sparse forms in the engine's memory, each put there when first asked for. */
export interface SparseWeights {
  readonly inputs: number;
  readonly outputs: number;
  rows(): PlacedEntries;
  /** The rows for products with one vector. */
  slices(): readonly PlacedSlices[];
  /** Only if the form says so. */
  blocks(): PlacedEntries;
  /** Only if the form says so. */
  groups(): PlacedGroups;
  /** The form that is fastest for a batch of this size; undefined if the dense weight is. */
  form(batch: number): SparseForm | undefined;
}

const registered = new WeakMap<object, SparseWeights>();

/** The sparse forms of a weight and the one to take, where one is faster than the dense weight. */
export function sparseWeightsOf(
  weight: TensorInfo,
  batch: number,
): { readonly weights: SparseWeights; readonly form: SparseForm } | undefined {
  const weights = registered.get(weight.dataId);
  const form = weights?.form(batch);
  return weights && form && { weights, form };
}

/**
 * Gives a weight sparse forms, which products and convolutions then take. They belong to the values, not to the
 * variable: a weight that is assigned anew has none.
 *
 * @returns What takes them away and frees their memory.
 */
export function registerSparse(
  { memory, allocate, free }: AttachedKernels,
  weight: TensorInfo,
  { inputs, outputs, rows, blocks, groups }: SparseForms,
  form: (batch: number) => SparseForm | undefined,
): () => void {
  const owned: number[] = [];
  const copy = (array: Int32Array | Float32Array | Uint16Array | Uint8Array): number => {
    const address = allocate(Math.max(4, array.byteLength));
    if (address === 0)
      throw new ArgumentError(
        `sparsify: a sparse weight of ${array.byteLength} bytes does not fit into the memory of the wasm engine. Free tensors, or sparsify fewer layers.`,
      );
    owned.push(address);
    new Uint8Array(memory.buffer, address, array.byteLength).set(
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
    );
    return address;
  };
  const placed = ({ starts, columns, values }: SparseRows | SparseBlocks): PlacedEntries => {
    const known = new Map<string, number>();
    return {
      starts: copy(starts),
      values: copy(values),
      offsets(key, place) {
        const present = known.get(key);
        if (present !== undefined) return present;
        const made = copy(columns.map(place));
        known.set(key, made);
        return made;
      },
    };
  };
  const slices = once(() =>
    Array.from({ length: Math.ceil(inputs / SLICE_COLUMNS) }, (_, i) => {
      const from = SLICE_COLUMNS * i;
      const to = Math.min(inputs, from + SLICE_COLUMNS);
      const { order, starts, offsets, values } = sparseSlicesOf(rows, from, to);
      return {
        ...{ from, inputs: to - from, order: copy(order), starts: copy(starts) },
        ...{ offsets: copy(offsets), values: copy(values) },
      };
    }),
  );
  registered.set(weight.dataId, {
    inputs,
    outputs,
    rows: once(() => placed(rows)),
    slices,
    blocks: once(() => placed(blocks!)),
    groups: once(() => {
      const { slots, values, places } = groups!;
      return { slots, values: copy(values), places: copy(places), table: copy(groupTable()) };
    }),
    form,
  });
  return () => {
    registered.delete(weight.dataId);
    for (const address of owned.splice(0)) free(address);
  };
}

/** Made when first asked for: forms that are never taken need no memory. */
function once<Made>(make: () => Made): () => Made {
  let made: { readonly value: Made } | undefined;
  return () => (made ??= { value: make() }).value;
}
