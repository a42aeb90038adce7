/** Rows looked up along the first axis on the wasm engine, each copied whole: the stock kernel finds the place of every number. */
import { GatherV2, util } from '@tensorflow/tfjs-core';
import type { GatherV2Attrs, KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { hostOf } from '../repairs/host.ts';
import { aroundStock } from './around-stock.ts';

/** The kernel to register; the stock one stays for other axes, and says what is wrong with an index. */
export function gatherKernels(): readonly KernelConfig[] {
  return aroundStock(GatherV2, (_attached, { inputs, attrs, backend }) => {
    const { x, indices } = inputs as { x: TensorInfo; indices: TensorInfo };
    const { axis, batchDims } = attrs as unknown as GatherV2Attrs;
    if (axis !== 0 || batchDims || x.shape.length < 2 || indices.dtype !== 'int32') return undefined;
    const row = util.sizeFromShape(x.shape.slice(1));
    const host = hostOf(backend);
    const rows = x.shape[0]!;
    if (host.view(indices).some((index) => !(index >= 0 && index < rows))) return undefined;
    const y = host.allocate([...indices.shape, ...x.shape.slice(1)], x.dtype);
    const [from, to, at] = [host.view(x), host.view(y), host.view(indices)];
    for (let i = 0; i < at.length; i++) to.set(from.subarray(at[i]! * row, (at[i]! + 1) * row), i * row);
    return y;
  });
}
