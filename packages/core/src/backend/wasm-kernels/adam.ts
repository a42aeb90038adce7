/** A step of Adam on the wasm engine by a kernel of ours, to the bit what its fifteen operations give. */
import { engine, mul } from '@tensorflow/tfjs-core';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import type { LendAdamPass } from '../repairs/adam.ts';
import { hostOf } from '../repairs/host.ts';
import { kernelsOf } from './attach.ts';

/** Lends the pass of the wasm engine, where our kernels are attached. */
export const wasmAdam: LendAdamPass = (backend, step, use) => {
  const attached = kernelsOf(backend);
  if (!attached) return false;
  const { beta1, beta2, epsilon, learningRate, power1, power2 } = step;
  const host = hostOf(backend);
  use((weights, first, second, gradient) => {
    ownValues(backend, first);
    ownValues(backend, second);
    // the weights go to a place of their own: engines keep packed copies of them by their id
    const made = host.allocate(weights.shape, 'float32');
    const to = engine().makeTensorFromTensorInfo(made);
    const scalars = attached.workspace(32);
    const values = [beta1, 1 - beta1, beta2, 1 - beta2, 1 - power1, 1 - power2, epsilon, -learningRate];
    new Float32Array(attached.memory.buffer, scalars, values.length).set(values);
    const [w, m, v, g] = [weights, first, second, gradient].map((tensor) => attached.address(tensor));
    attached.kernels.adamStep(weights.size, w!, m!, v!, g!, attached.address(made), scalars);
    weights.assign(to);
  });
  return true;
};

/** Gives a variable values of its own where others hold them too. */
export function ownValues(backend: unknown, variable: Variable): void {
  const { refCount } = backend as { refCount(dataId: object): number };
  if (refCount.call(backend, variable.dataId) === 1) return;
  const copy: Tensor = mul(variable, 1);
  variable.assign(copy);
}
