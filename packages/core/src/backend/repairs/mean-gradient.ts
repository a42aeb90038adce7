/**
 * Gradients of a sum and a mean over neighbouring axes, but not the last, on the wasm and native engines. The stock gradient multiplies by a tensor of ones
 * that JavaScript fills and copies in; repeating a row does the same.
 */
import { div, getBackend, getGradient, Mean, reshape, Sum, tile, util } from '@tensorflow/tfjs-core';
import type { GradConfig, SumAttrs, Tensor } from '@tensorflow/tfjs-core';

/** The gradients to register over the stock ones; none while no gradient is known, that is before `@tensorflow/tfjs`. */
export function meanGradients(): readonly GradConfig[] {
  return [Sum, Mean].flatMap((kernelName) => {
    const stock = getGradient(kernelName);
    if (!stock || ours.has(stock)) return [];
    const replacement: GradConfig = {
      ...stock,
      gradFunc: (dy, saved, attrs) => {
        const [x] = saved as [Tensor];
        const axes = util.parseAxisParam((attrs as unknown as SumAttrs).axis, x.shape).sort((a, b) => a - b);
        const first = axes[0] ?? 0;
        const rows = axes.length > 0 && axes.every((axis, i) => axis === first + i && axis < x.rank - 1);
        if (!['wasm', 'tensorflow'].includes(getBackend()) || !rows) return stock.gradFunc(dy, saved, attrs);
        const row = reshape(
          dy as Tensor,
          x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)),
        );
        const reps = x.shape.map((size, axis) => (axes.includes(axis) ? size : 1));
        const share = kernelName === Sum ? row : div(row, util.sizeFromShape(reps));
        return { x: () => tile(share, reps) };
      },
    };
    ours.add(replacement);
    return [replacement];
  });
}

const ours = new WeakSet<GradConfig>();
