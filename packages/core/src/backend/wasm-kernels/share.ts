/**
 * Copies that are none, on the wasm engine: identity, which every operation on the tape applies to what it saves, a cast to the
 * dtype that a tensor has, and a transposition that moves no number, which a dense layer applies to its matrix. No kernel writes
 * to a tensor that exists, so they share the values, as on the other engines.
 */
import { Cast, Identity, Transpose } from '@tensorflow/tfjs-core';
import type { CastAttrs, KernelConfig, TensorInfo, TransposeAttrs } from '@tensorflow/tfjs-core';
import { aroundStock } from './around-stock.ts';

/** The kernels to register. */
export function shareKernels(): readonly KernelConfig[] {
  return [
    ...aroundStock(Identity, (_, { inputs, backend }) => share((inputs as { x: TensorInfo }).x, backend)),
    ...aroundStock(Cast, (_, { inputs, attrs, backend }) => {
      const { x } = inputs as { x: TensorInfo };
      return x.dtype === (attrs as unknown as CastAttrs).dtype ? share(x, backend) : undefined;
    }),
    ...aroundStock(Transpose, (_, { inputs, attrs, backend }) => {
      const { x } = inputs as { x: TensorInfo };
      const { perm } = attrs as unknown as TransposeAttrs;
      const moved = perm.filter((axis) => x.shape[axis] !== 1);
      if (moved.some((axis, i) => i > 0 && axis < moved[i - 1]!)) return undefined;
      const shape = perm.map((axis) => x.shape[axis]!);
      return share({ ...x, shape }, backend);
    }),
  ];
}

function share({ dataId, shape, dtype }: TensorInfo, backend: unknown): TensorInfo | undefined {
  if (dtype === 'string') return undefined;
  (backend as { incRef(dataId: object): void }).incRef(dataId);
  return { dataId, shape, dtype };
}
