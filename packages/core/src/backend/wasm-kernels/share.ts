/**
 * Copies that are none, on the wasm engine: identity, which every operation on the tape applies to what it saves, and a cast
 * to the dtype that a tensor has. No kernel writes to a tensor that exists, so both share the values, as on the other engines.
 */
import { Cast, Identity } from '@tensorflow/tfjs-core';
import type { CastAttrs, KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { aroundStock } from './around-stock.ts';

/** The kernels to register. */
export function shareKernels(): readonly KernelConfig[] {
  return [
    ...aroundStock(Identity, (_, { inputs, backend }) => share((inputs as { x: TensorInfo }).x, backend)),
    ...aroundStock(Cast, (_, { inputs, attrs, backend }) => {
      const { x } = inputs as { x: TensorInfo };
      return x.dtype === (attrs as unknown as CastAttrs).dtype ? share(x, backend) : undefined;
    }),
  ];
}

function share({ dataId, shape, dtype }: TensorInfo, backend: unknown): TensorInfo | undefined {
  if (dtype === 'string') return undefined;
  (backend as { incRef(dataId: object): void }).incRef(dataId);
  return { dataId, shape, dtype };
}
