/**
 * Steps of Adam in one pass over weights and moments, where `tf.train.adam` composes fifteen: each engine that has such a
 * pass says how.
 */
import { AdamOptimizer, backend, engine, getBackend, scalar, tidy, zerosLike } from '@tensorflow/tfjs-core';
import type { NamedTensorMap, Tensor, Variable } from '@tensorflow/tfjs-core';
import { wasmAdam } from '../wasm-kernels/adam.ts';
import { nativeAdam } from './native/adam.ts';

/** What all variables of a step have in common. */
export interface AdamStep {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly learningRate: number;
  /** β₁ᵗ and β₂ᵗ of the step, float32. */
  readonly power1: number;
  readonly power2: number;
}

/** Changes a variable and its two moments by a gradient, all of one shape and float32. */
export type AdamPass = (weights: Variable, first: Variable, second: Variable, gradient: Tensor) => void;

/** Lends `use` an engine's pass for the length of a step; false, without a call, where it has none after all. */
export type LendAdamPass = (engine: unknown, step: AdamStep, use: (pass: AdamPass) => void) => boolean;

const passes: Readonly<Record<string, LendAdamPass>> = { tensorflow: nativeAdam, wasm: wasmAdam };

type Gradients = Parameters<AdamOptimizer['applyGradients']>[0];

/** The optimizer's own fields, which its declaration hides. */
interface Adam extends Omit<AdamStep, 'power1' | 'power2'> {
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

interface Change {
  readonly name: string;
  readonly variable: Variable;
  readonly gradient: Tensor | null | undefined;
}

const patched = new WeakSet();

/** Makes every `AdamOptimizer` step this way on the engines that can. Calling it again changes nothing. */
export function installAdam(): void {
  const stock = AdamOptimizer.prototype.applyGradients;
  if (patched.has(stock)) return;
  const applyGradients = function (this: AdamOptimizer, gradients: Gradients): void {
    const lend = passes[getBackend()];
    const changes = lend && changesOf(gradients);
    if (!changes || !apply(this as unknown as Adam, changes, lend)) stock.call(this, gradients);
  };
  patched.add(applyGradients);
  AdamOptimizer.prototype.applyGradients = applyGradients;
}

/** What to change by what; undefined where a dtype does not fit. */
function changesOf(gradients: Gradients): Change[] | undefined {
  const named = Array.isArray(gradients)
    ? gradients.map(({ name, tensor: gradient }) => [name, gradient] as const)
    : Object.entries(gradients as NamedTensorMap);
  const changes = named.map(([name, gradient]) => ({
    name,
    gradient,
    variable: engine().registeredVariables[name]!,
  }));
  const fits = ({ variable, gradient }: Change): boolean =>
    variable.dtype === 'float32' && (!gradient || gradient.dtype === 'float32');
  return changes.every(fits) ? changes : undefined;
}

/** Whether the engine could. */
function apply(adam: Adam, changes: readonly Change[], lend: LendAdamPass): boolean {
  const { beta1, beta2, epsilon, learningRate } = adam;
  const [power1, power2] = [adam.accBeta1.dataSync()[0]!, adam.accBeta2.dataSync()[0]!];
  const done = lend(backend(), { beta1, beta2, epsilon, learningRate, power1, power2 }, (pass) => {
    for (const [i, { name, variable, gradient }] of changes.entries()) {
      const first = (adam.accumulatedFirstMoment[i] ??= moment(`${name}/m`, variable)).variable;
      const second = (adam.accumulatedSecondMoment[i] ??= moment(`${name}/v`, variable)).variable;
      if (gradient) tidy(() => pass(variable, first, second, gradient));
    }
  });
  if (!done) return false;
  tidy(() => {
    adam.accBeta1.assign(scalar(Math.fround(power1 * Math.fround(beta1)), 'float32'));
    adam.accBeta2.assign(scalar(Math.fround(power2 * Math.fround(beta2)), 'float32'));
  });
  adam.incrementIterations();
  return true;
}

function moment(originalName: string, of: Variable): Moment {
  return { originalName, variable: tidy(() => zerosLike(of).variable(false)) };
}
