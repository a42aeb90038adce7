/**
 * A step of Adam on the native engine by TensorFlow's `ResourceApplyAdam`.
 *
 * TensorFlow scales √v before it adds ε, TensorFlow.js after; with ε·√(1 − β₂ᵗ) in place of ε they are the same.
 */
import type { Variable } from '@tensorflow/tfjs-core';
import type { LendAdamPass } from '../adam.ts';
import { encode, type Attributes, type NativeBackend } from './operation.ts';

/** Lends the pass of the native engine. */
export const nativeAdam: LendAdamPass = (engine, step, use) => {
  const { beta1, beta2, epsilon, learningRate, power1, power2 } = step;
  const native = engine as NativeBackend & Handles;
  const { binding } = native;
  const dtype = encode(native, typed);
  const adam = encode(native, adamAttributes);
  const made: number[] = [];
  const keep = (id: number): number => {
    made.push(id);
    return id;
  };
  try {
    const handle = encode(native, handleAttributes);
    const resources = [0, 1, 2].map(() => keep(binding.executeOp('VarHandleOp', handle, [], 1)[0]!.id));
    const values = [power1, power2, learningRate, beta1, beta2, epsilon * Math.sqrt(1 - power2)];
    const scalars = values.map((value) =>
      keep(binding.createTensor([], binding.TF_FLOAT, Float32Array.of(value))),
    );
    use((weights, first, second, gradient) => {
      const variables = [weights, first, second];
      handOver(native, variables, resources, dtype);
      const ids = [...resources, ...scalars, ...native.getInputTensorIds([gradient])];
      binding.executeOp('ResourceApplyAdam', adam, ids, 0);
      takeBack(native, variables, resources, dtype);
    });
  } finally {
    for (const id of made) binding.deleteTensor(id);
  }
  return true;
};

/** The engine's own record of a tensor. */
interface Handles {
  readonly tensorMap: { get(dataId: object): { id: number; readonly refCount: number } };
}

// TensorFlow counts the references of a resource of this name, and drops it with the last.
const anonymous = 'cd2c89b7-88b7-44c8-ad83-06c2a9158347';

// What a step returned: memory of TensorFlow's own, unlike values that were written by the application.
const returned = new WeakSet<object>();

const typed: Attributes = { dtype: ['type', 'float'] };
const handleAttributes: Attributes = {
  ...typed,
  shape: ['shape', []], // of no consequence: variables of every shape are handed over to it in turn
  container: ['text', ''],
  shared_name: ['text', anonymous],
};
const adamAttributes: Attributes = {
  T: ['type', 'float'],
  use_locking: ['flag', false],
  use_nesterov: ['flag', false],
};

/** Gives the variables to TensorFlow as its own, in place of those it had. */
function handOver(
  native: NativeBackend & Handles,
  variables: readonly Variable[],
  resources: readonly number[],
  dtype: object[],
): void {
  const { binding } = native;
  for (const [i, id] of native.getInputTensorIds(variables).entries()) {
    binding.executeOp('AssignVariableOp', dtype, [resources[i]!, id], 0);
    const { dataId } = variables[i]!;
    const held = native.tensorMap.get(dataId);
    if (!returned.has(dataId) || held.refCount > 1) continue;
    // with no other owner TensorFlow changes it in place, else it makes a copy first
    binding.deleteTensor(id);
    held.id = -1;
  }
}

function takeBack(
  native: NativeBackend & Handles,
  variables: readonly Variable[],
  resources: readonly number[],
  dtype: object[],
): void {
  for (const [i, variable] of variables.entries()) {
    const [value] = native.binding.executeOp('ReadVariableOp', dtype, [resources[i]!], 1);
    const tensor = native.createOutputTensor(value!);
    variable.assign(tensor);
    returned.add(tensor.dataId);
  }
}
