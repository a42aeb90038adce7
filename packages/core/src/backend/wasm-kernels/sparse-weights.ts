import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { SparseRows } from '../../kernels/sparse-rows.ts';
import type { AttachedKernels } from './attach.ts';

/** A weight's entries in the engine's memory. */
export interface SparseWeights {
  readonly rows: number;
  /** Byte offsets of the arrays of {@link SparseRows}; columns are in JavaScript, for offsets to be made of. */
  readonly starts: number;
  readonly values: number;
  readonly columns: Int32Array;
  /** The byte offset of the entries' places, `place(column)` bytes each, made once for each `key`. */
  offsets(key: string, place: (column: number) => number): number;
  /** Whether it is faster than the dense weight for a batch of this size. */
  wins(batch: number): boolean;
}

const registered = new WeakMap<object, SparseWeights>();

/** The sparse form of a weight, where it has one and it is the faster. */
export function sparseWeightsOf(weight: TensorInfo, batch: number): SparseWeights | undefined {
  const sparse = registered.get(weight.dataId);
  return sparse?.wins(batch) ? sparse : undefined;
}

/**
 * Gives a weight a sparse form, which products and convolutions then take. It belongs to the values, not to the
 * variable: a weight that is assigned anew has none.
 *
 * @returns What takes it away and frees its memory.
 */
export function registerSparse(
  { memory, allocate, free }: AttachedKernels,
  weight: TensorInfo,
  { starts, columns, values }: SparseRows,
  wins: (batch: number) => boolean,
): () => void {
  const owned: number[] = [];
  const copy = (array: Int32Array | Float32Array): number => {
    const address = allocate(Math.max(4, array.byteLength));
    owned.push(address);
    new (array.constructor as Float32ArrayConstructor)(memory.buffer, address, array.length).set(array);
    return address;
  };
  const known = new Map<string, number>();
  registered.set(weight.dataId, {
    rows: starts.length - 1,
    starts: copy(starts),
    values: copy(values),
    columns,
    offsets(key, place) {
      const present = known.get(key);
      if (present !== undefined) return present;
      const made = copy(columns.map(place));
      known.set(key, made);
      return made;
    },
    wins,
  });
  return () => {
    registered.delete(weight.dataId);
    for (const address of owned.splice(0)) free(address);
  };
}
