import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';

/** What the repaired kernels need of an engine whose memory JavaScript can read directly. */
export interface Host {
  /** Allocates the output first: on wasm an allocation may move the heap and invalidate every view. */
  allocate(shape: number[], dtype: DataType): TensorInfo;
  /** The values of a tensor, without a copy; valid until the next allocation. */
  view(tensor: TensorInfo): Float32Array | Int32Array | Uint8Array;
}

/** The two engines that keep tensors in JavaScript-readable memory, structurally. */
interface WasmEngine {
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

/** Names of the engines that {@link hostOf} understands. */
export const hostEngines = ['wasm', 'cpu'] as const;

/** Wraps the `backend` that a kernel of the wasm or cpu engine receives. */
export function hostOf(backend: unknown): Host {
  const engine = backend as WasmEngine | CpuEngine;
  if ('typedArrayFromHeap' in engine) {
    return {
      allocate: (shape, dtype) => engine.makeOutput(shape, dtype),
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
