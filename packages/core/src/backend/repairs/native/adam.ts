/**
 * A step of Adam on the native engine by TensorFlow's `ResourceApplyAdam`.
 *
 * TensorFlow scales √v before it adds ε, TensorFlow.js after; with ε·√(1 − β₂ᵗ) in place of ε they are the same.
 */
import { scalar } from '@tensorflow/tfjs-core';
import type { Tensor, TensorInfo, Variable } from '@tensorflow/tfjs-core';
import type { AdamPass, AdamStep } from '../adam.ts';
import { encode, type Attributes, type NativeBackend } from './operation.ts';

/** The pass of the native engine. */
export function nativeAdam(engine: unknown, step: AdamStep): AdamPass {
  const { beta1, beta2, epsilon, learningRate, power1, power2 } = step;
  const values = [power1, power2, learningRate, beta1, beta2, epsilon * Math.sqrt(1 - power2)];
  return (weights, first, second, gradient) => {
    const scalars = values.map((value) => scalar(value, 'float32'));
    applyAdam(engine as NativeBackend & Handles, [weights, first, second], [...scalars, gradient]);
  };
}

/** Ids of the library's tensors behind those of TensorFlow.js. */
interface Handles {
  getInputTensorIds(tensors: readonly TensorInfo[]): number[];
  createOutputTensor(made: { id: number }): Tensor;
  readonly tensorMap: { get(dataId: object): { id: number; readonly refCount: number } };
}

// TensorFlow counts the references of a resource of this name, and drops it with the last.
const anonymous = 'cd2c89b7-88b7-44c8-ad83-06c2a9158347';

// What a step returned: memory of TensorFlow's own, unlike values that were written by the application.
const returned = new WeakSet<object>();

const typed: Attributes = { dtype: ['type', 'float'] };
const adamAttributes: Attributes = {
  T: ['type', 'float'],
  use_locking: ['flag', false],
  use_nesterov: ['flag', false],
};

/** Hands the variables over as TensorFlow's own, steps, and takes them back. */
function applyAdam(
  native: NativeBackend & Handles,
  variables: readonly Variable[],
  inputs: readonly Tensor[],
): void {
  const { binding } = native;
  const dtype = encode(native, typed);
  const shape = variables[0]!.shape;
  const handle = encode(native, {
    ...typed,
    shape: ['shape', shape],
    container: ['text', ''],
    shared_name: ['text', anonymous],
  });
  const resources: number[] = [];
  try {
    for (const [i, id] of native.getInputTensorIds(variables).entries()) {
      const [resource] = binding.executeOp('VarHandleOp', handle, [], 1);
      resources.push(resource!.id);
      binding.executeOp('AssignVariableOp', dtype, [resource!.id, id], 0);
      const { dataId } = variables[i]!;
      const held = native.tensorMap.get(dataId);
      if (!returned.has(dataId) || held.refCount > 1) continue;
      // with no other owner TensorFlow changes it in place, else it makes a copy first
      binding.deleteTensor(id);
      held.id = -1;
    }
    const ids = [...resources, ...native.getInputTensorIds(inputs)];
    binding.executeOp('ResourceApplyAdam', encode(native, adamAttributes), ids, 0);
    for (const [i, variable] of variables.entries()) {
      const [value] = binding.executeOp('ReadVariableOp', dtype, [resources[i]!], 1);
      const tensor = native.createOutputTensor(value!);
      variable.assign(tensor);
      returned.add(tensor.dataId);
    }
  } finally {
    for (const id of resources) binding.deleteTensor(id);
  }
}
