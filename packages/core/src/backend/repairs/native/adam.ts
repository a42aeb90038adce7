/**
 * A step of Adam on the native engine by TensorFlow's `ResourceApplyAdam`: one pass over weights and moments, where
 * `tf.train.adam` composes fifteen.
 *
 * TensorFlow scales √v before it adds ε, TensorFlow.js after; with ε·√(1 − β₂ᵗ) in place of ε they are the same.
 */
import { AdamOptimizer, backend, engine, getBackend, scalar, tidy, zerosLike } from '@tensorflow/tfjs-core';
import type { NamedTensorMap, Tensor, TensorInfo, Variable } from '@tensorflow/tfjs-core';
import { encode, type Attributes, type NativeBackend } from './operation.ts';

type Gradients = Parameters<AdamOptimizer['applyGradients']>[0];

/** The optimizer's own fields, which its declaration hides. */
interface Adam {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly learningRate: number;
  readonly accBeta1: Variable;
  readonly accBeta2: Variable;
  readonly accumulatedFirstMoment: Moment[];
  readonly accumulatedSecondMoment: Moment[];
  incrementIterations(): void;
}

interface Moment {
  readonly originalName: string;
  readonly variable: Variable;
}

const patched = new WeakSet();

/** Makes every `AdamOptimizer` step this way while the native engine is in use. Calling it again changes nothing. */
export function installNativeAdam(): void {
  const stock = AdamOptimizer.prototype.applyGradients;
  if (patched.has(stock)) return;
  const applyGradients = function (this: AdamOptimizer, gradients: Gradients): void {
    const step = getBackend() === 'tensorflow' ? stepOf(gradients) : undefined;
    if (step) apply(this as unknown as Adam, step);
    else stock.call(this, gradients);
  };
  patched.add(applyGradients);
  AdamOptimizer.prototype.applyGradients = applyGradients;
}

interface Change {
  readonly name: string;
  readonly variable: Variable;
  readonly gradient: Tensor | null | undefined;
}

/** What to change by what; undefined where a dtype does not fit. */
function stepOf(gradients: Gradients): Change[] | undefined {
  const named = Array.isArray(gradients)
    ? gradients.map(({ name, tensor: gradient }) => [name, gradient] as const)
    : Object.entries(gradients as NamedTensorMap);
  const step = named.map(([name, gradient]) => ({
    name,
    gradient,
    variable: engine().registeredVariables[name]!,
  }));
  const fits = ({ variable, gradient }: Change): boolean =>
    variable.dtype === 'float32' && (!gradient || gradient.dtype === 'float32');
  return step.every(fits) ? step : undefined;
}

function apply(adam: Adam, step: readonly Change[]): void {
  const { beta1, beta2, epsilon, learningRate } = adam;
  const native = backend() as unknown as NativeBackend & Handles;
  tidy(() => {
    const [power1, power2] = [adam.accBeta1.dataSync()[0]!, adam.accBeta2.dataSync()[0]!];
    const scalars = [power1, power2, learningRate, beta1, beta2, epsilon * Math.sqrt(1 - power2)].map(
      (value) => scalar(value, 'float32'),
    );
    for (const [i, { name, variable, gradient }] of step.entries()) {
      const first = (adam.accumulatedFirstMoment[i] ??= moment(`${name}/m`, variable)).variable;
      const second = (adam.accumulatedSecondMoment[i] ??= moment(`${name}/v`, variable)).variable;
      if (!gradient) continue;
      applyAdam(native, [variable, first, second], [...scalars, gradient]);
    }
    adam.accBeta1.assign(scalar(Math.fround(power1 * Math.fround(beta1)), 'float32'));
    adam.accBeta2.assign(scalar(Math.fround(power2 * Math.fround(beta2)), 'float32'));
  });
  adam.incrementIterations();
}

function moment(originalName: string, of: Variable): Moment {
  return { originalName, variable: tidy(() => zerosLike(of).variable(false)) };
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
