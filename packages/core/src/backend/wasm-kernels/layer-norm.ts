/** Layer normalisation on the wasm engine in one pass each way, where a layer composes it of about forty operations. */
import { add, engine, mean, mul, rsqrt, square, sub, sum, util } from '@tensorflow/tfjs-core';
import type { GradConfig, KernelConfig, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { layerNormGradientTwin, layerNormTwin } from '../../kernels/twins/layer-norm.ts';
import { LAYER_NORM } from '../../models/layers/layer-norm-kernel.ts';
import { hostOf } from '../repairs/host.ts';
import { kernelsOf } from './attach.ts';

const BACKWARD = `${LAYER_NORM}Grad`;

/** The kernels to register; where ours are not attached, plain loops. */
export const layerNormKernels: readonly KernelConfig[] = [
  {
    kernelName: LAYER_NORM,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { x, gamma, beta } = inputs as Record<string, TensorInfo> as Inputs;
      const { epsilon } = attrs as unknown as Attrs;
      const host = hostOf(backend);
      const y = host.allocate(x.shape, 'float32');
      const attached = kernelsOf(backend);
      const n = gamma.shape[0]!;
      if (attached) {
        const [from, scale, offset, to] = [x, gamma, beta, y].map(attached.address);
        attached.kernels.layerNorm(rowsOf(x, n), n, from!, scale!, offset!, epsilon, to!);
      } else host.view(y).set(layerNormTwin(host.view(x), host.view(gamma), host.view(beta), epsilon));
      return y;
    },
  },
  {
    kernelName: BACKWARD,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { dy, x, gamma } = inputs as Record<string, TensorInfo> as Inputs;
      const { epsilon } = attrs as unknown as Attrs;
      const host = hostOf(backend);
      const n = gamma.shape[0]!;
      const [dx, dGamma, dBeta] = [x.shape, [n], [n]].map((shape) =>
        host.allocate(shape, 'float32'),
      ) as unknown as Three;
      const attached = kernelsOf(backend);
      if (attached) {
        const { kernels, address, memory, workspace } = attached;
        const sums = workspace(8 * n + kernels.layerNormGradientBytes(n));
        const [from, at, scale, to] = [dy, x, gamma, dx].map(address);
        const rows = rowsOf(x, n);
        kernels.layerNormGradient(rows, n, from!, at!, scale!, epsilon, to!, sums, sums + 8 * n);
        host.view(dGamma).set(new Float32Array(memory.buffer, sums, n));
        host.view(dBeta).set(new Float32Array(memory.buffer, sums + 4 * n, n));
      } else {
        const made = layerNormGradientTwin(host.view(dy), host.view(x), host.view(gamma), epsilon);
        host.view(dx).set(made.dx);
        host.view(dGamma).set(made.sums.slice(0, n));
        host.view(dBeta).set(made.sums.slice(n));
      }
      return [dx, dGamma, dBeta];
    },
  },
];

/** The gradient of the first, and of the second, which is composed. */
export const layerNormGradients: readonly GradConfig[] = [
  {
    kernelName: LAYER_NORM,
    inputsToSave: ['x', 'gamma'],
    gradFunc: (dy, saved, attrs) => {
      const [x, gamma] = saved as [Tensor, Tensor];
      const inputs = { dy: dy as Tensor, x, gamma };
      const [dx, dGamma, dBeta] = engine().runKernel<Tensor[]>(BACKWARD, inputs, attrs) as Tensors;
      return { x: () => dx, gamma: () => dGamma, beta: () => dBeta };
    },
  },
  {
    kernelName: BACKWARD,
    inputsToSave: ['dy', 'x', 'gamma'],
    gradFunc: (d, saved, attrs) => {
      const [u, a, b] = d as Tensors;
      const [dy, x, gamma] = saved as Tensors;
      const centred = sub(x, overRow(x));
      const factor = rsqrt(add(overRow(square(centred)), (attrs as unknown as Attrs).epsilon));
      const z = mul(centred, factor);
      // the derivative of z by x is factor · P, which is its own transpose; dx = factor · P(dy · gamma)
      const project = (v: Tensor): Tensor => sub(sub(v, overRow(v)), mul(z, overRow(mul(v, z))));
      const g = mul(dy, gamma);
      const along = mul(factor, project(u));
      const byZ = add(mul(u, overRow(mul(g, z))), mul(g, overRow(mul(u, z))));
      const byFactor = mul(mul(square(factor), z), overRow(mul(u, project(g))));
      return {
        dy: () => add(add(mul(gamma, along), mul(a, z)), b),
        x: () => sub(mul(factor, project(sub(mul(a, dy), mul(factor, byZ)))), byFactor),
        gamma: () => {
          const leading = x.shape.slice(0, -1).map((_, axis) => axis);
          return sum(mul(dy, along), leading);
        },
      };
    },
  },
];

function overRow(v: Tensor): Tensor {
  return mean(v, -1, true);
}

function rowsOf(x: TensorInfo, n: number): number {
  return util.sizeFromShape(x.shape) / Math.max(n, 1);
}

type Inputs = Readonly<Record<'dy' | 'x' | 'gamma' | 'beta', TensorInfo>>;
type Three = readonly [TensorInfo, TensorInfo, TensorInfo];
type Tensors = [Tensor, Tensor, Tensor];
interface Attrs {
  readonly epsilon: number;
}
