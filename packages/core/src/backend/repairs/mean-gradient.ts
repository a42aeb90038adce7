/**
 * Gradients of a sum and a mean over neighbouring axes, but not the last, on the wasm and native engines. The stock gradient multiplies by a tensor of ones
 * that JavaScript fills and copies in; repeating a row does the same.
 */
import {
  backend,
  div,
  engine,
  getBackend,
  getGradient,
  Mean,
  reshape,
  Sum,
  tile,
  util,
} from '@tensorflow/tfjs-core';
import type { GradConfig, SumAttrs, Tensor } from '@tensorflow/tfjs-core';
import { hostOf } from './host.ts';

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
        return { x: () => (getBackend() === 'wasm' ? repeated(share, x.shape, first) : tile(share, reps)) };
      },
    };
    ours.add(replacement);
    return [replacement];
  });
}

const ours = new WeakSet<GradConfig>();

/** `[outer, 1, inner]` to `[outer, times, inner]`, of that `shape` and with axis `first` the first repeated; the stock tile finds the place of every number. */
function repeated(x: Tensor, shape: number[], first: number): Tensor {
  const host = hostOf(backend());
  const made = host.allocate(shape, x.dtype);
  const [from, to] = [host.view(x), host.view(made)];
  const outer = util.sizeFromShape(shape.slice(0, first));
  const [inner, each] = [from.length / outer, to.length / outer];
  for (let o = 0; o < outer && each > 0; o++) {
    const start = o * each;
    to.set(from.subarray(o * inner, (o + 1) * inner), start);
    for (let done = inner; done < each; done *= 2)
      to.copyWithin(start + done, start, start + Math.min(done, each - done));
  }
  return engine().makeTensorFromTensorInfo(made);
}
