import { util, type DataType, type TensorInfo } from '@tensorflow/tfjs-core';
import { OckhamError } from '../../errors.ts';

/** What the repaired kernels need of an engine whose memory JavaScript can read directly. */
export interface Host {
  /**
   * Allocates the output first: on wasm an allocation may move the heap and invalidate every view.
   *
   * @throws OckhamError `out-of-memory` for more than wasm can address, before anything is computed; the stock engine
   * takes the size modulo 4 GiB, or goes on with no memory at all.
   */
  allocate(shape: number[], dtype: DataType): TensorInfo;
  /** The values of a tensor, without a copy; valid until the next allocation. */
  view(tensor: TensorInfo): Float32Array | Int32Array | Uint8Array;
}

/** The two engines that keep tensors in JavaScript-readable memory, structurally. */
interface WasmEngine {
  readonly dataIdMap: {
    get(dataId: object): { readonly memoryOffset: number | null };
    delete(dataId: object): void;
  };
  makeOutput(shape: number[], dtype: DataType): TensorInfo;
  typedArrayFromHeap(tensor: TensorInfo): Float32Array | Int32Array | Uint8Array;
}
interface CpuEngine {
  makeTensorInfo(
    shape: number[],
    dtype: DataType,
    values: Float32Array | Int32Array | Uint8Array,
  ): TensorInfo;
  data: { get(dataId: object): { values: Float32Array | Int32Array | Uint8Array } };
}

/** Bytes of a 32-bit WebAssembly memory, less its last page. */
const ADDRESSABLE = 2 ** 32 - 2 ** 16;

/** The error for a tensor or workspace of so many bytes. */
export function outOfMemory(bytes: number): OckhamError {
  const wanted = `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  return new OckhamError(
    'out-of-memory',
    `backend: WebAssembly addresses 4096 MiB in all, and ${wanted} more could not be had. Take smaller batches, dispose of tensors, or use another engine.`,
  );
}

/** Names of the engines that {@link hostOf} understands. */
export const hostEngines = ['wasm', 'cpu'] as const;

/** Wraps the `backend` that a kernel of the wasm or cpu engine receives. */
export function hostOf(backend: unknown): Host {
  const engine = backend as WasmEngine | CpuEngine;
  if ('typedArrayFromHeap' in engine) {
    return {
      allocate(shape, dtype) {
        const bytes = util.sizeFromShape(shape) * util.bytesPerElement(dtype);
        if (bytes >= ADDRESSABLE) throw outOfMemory(bytes);
        const made = engine.makeOutput(shape, dtype);
        if (engine.dataIdMap.get(made.dataId).memoryOffset !== 0) return made;
        engine.dataIdMap.delete(made.dataId); // nothing to free
        throw outOfMemory(bytes);
      },
      view: (tensor) => engine.typedArrayFromHeap(tensor),
    };
  }
  return {
    allocate: (shape, dtype) => {
      const size = shape.reduce((product, n) => product * n, 1);
      const Values = dtype === 'float32' ? Float32Array : dtype === 'int32' ? Int32Array : Uint8Array;
      return engine.makeTensorInfo(shape, dtype, new Values(size));
    },
    view: (tensor) => engine.data.get(tensor.dataId).values,
  };
}
