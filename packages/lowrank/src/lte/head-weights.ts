import { tensor, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import { trainableVariables, variableOf } from '@ockham/core/training';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { loraOf } from '../lora/lora-state.ts';
import { kernelOf } from '../lora/targets.ts';

/** The factors of one adapted layer, and the kernel that they are merged into. */
export interface Site {
  /** W, the model's own variable, `[…, in, out]`. */
  readonly kernel: Variable;
  /** `[…, in, r]`. */
  readonly a: Variable;
  /** `[r, out]`. */
  readonly b: Variable;
  /** Rows of the kernel as a matrix. */
  readonly inputs: number;
  readonly outputs: number;
}

/** Everything that heads train: variables that all heads of a rank take turns in. */
export interface HeadWeights {
  readonly sites: readonly Site[];
  /** Trainable variables that are not adapted. */
  readonly others: readonly Variable[];
}

/** What an adapted model gives the heads to train. */
export function headWeightsOf(
  model: LayersModel,
  adapted: LayersModel,
  others: 'average' | 'freeze',
): HeadWeights {
  const sites = loraOf('lte', adapted).sites.map(({ layer, lora, inputs, outputs }): Site => {
    const { a, b } = lora.adapters.get('default')!;
    return { kernel: kernelOf(layer), a: variableOf(a), b: variableOf(b), inputs, outputs };
  });
  const kernels = new Set(sites.map(({ kernel }) => kernel));
  return {
    sites,
    others: others === 'freeze' ? [] : trainableVariables(model).filter((variable) => !kernels.has(variable)),
  };
}

/** Where what a head has learned lies in its message: every B, every A where they learn, the other weights, its loss. */
export interface Message {
  readonly length: number;
  readonly b: readonly Place[];
  readonly a: readonly Place[];
  readonly others: readonly Place[];
  readonly loss: Place;
}

type Place = readonly [begin: number, end: number];

export function messageOf({ sites, others }: HeadWeights, withA: boolean): Message {
  let length = 0;
  const place = (size: number): Place => [length, (length += size)];
  return {
    b: sites.map(({ b }) => place(b.size)),
    a: withA ? sites.map(({ a }) => place(a.size)) : [],
    others: others.map(({ size }) => place(size)),
    loss: place(1),
    get length() {
      return length;
    },
  };
}

/** Writes values into a variable. */
export function assign(variable: Variable, values: Float32Array): void {
  const value = tensor(values, variable.shape, 'float32');
  variable.assign(value);
  value.dispose();
}

/** Reads a tensor. */
export async function read(value: Tensor): Promise<Float32Array> {
  return (await value.data()) as Float32Array;
}
