/**
 * How a layer's adapter lies in a file of PEFT: names of PyTorch modules, and PyTorch's order of axes, `[out, in,
 * window…]`. The factors of an embedding are parameters of their own, `[r, tokens]` and `[width, r]`.
 */
import { reshape, tidy, transpose, type Tensor } from '@tensorflow/tfjs-core';
import type { NamedArray } from '@ockham/core/files';
import type { WeightNaming } from '@ockham/core/models';
import type { Layer } from '@ockham/core/training';
import { linearKinds } from './linear-kind.ts';
import type { LoraSite } from './targets.ts';

/** What PEFT puts before every module's path. */
export const PREFIX = 'base_model.model.';

/** The suffixes of a module's factors and magnitude. */
export function suffixesOf(className: string): {
  readonly a: string;
  readonly b: string;
  readonly m: string;
} {
  const m = '.lora_magnitude_vector';
  if (className === 'Embedding') return { a: '.lora_embedding_A', b: '.lora_embedding_B', m };
  return { a: '.lora_A.weight', b: '.lora_B.weight', m };
}

/** The PyTorch path of a site's module: that of its kernel without `.weight`, or its own path with points. */
export function moduleOf({ path, className, layer }: LoraSite, naming?: WeightNaming): string {
  const named = naming?.(layer, linearKinds.get(className)!.kernel)?.name;
  return named === undefined ? path.replaceAll('/', '.') : named.replace(/\.weight$/, '');
}

/** The PyTorch name of a weight of a layer that trains whole. */
export function weightNameOf(path: string, layer: Layer, weight: string, naming?: WeightNaming): string {
  const named = naming?.(layer, weight)?.name;
  return named ?? `${path.replaceAll('/', '.')}.${PYTORCH_NAMES[weight] ?? weight}`;
}

const PYTORCH_NAMES: Readonly<Record<string, string>> = {
  kernel: 'weight',
  embeddings: 'weight',
  gamma: 'weight',
  beta: 'bias',
  moving_mean: 'running_mean',
  moving_variance: 'running_var',
};

/** A, a kernel `[window…, in, r]`, as `[r, in, window…]`; of an embedding `[r, tokens]`. */
export function toFile(kernel: Tensor): Promise<NamedArray> {
  return arrayOf(() => transpose(kernel, outwards(kernel.rank)));
}

/** B, `[r, out]`, as `[out, r]` and a one for each axis of the window. */
export function bToFile(b: Tensor, kernelRank: number): Promise<NamedArray> {
  return arrayOf(() => {
    const turned = transpose(b);
    return reshape(turned, [...turned.shape, ...ones(kernelRank - 2)]);
  });
}

/** A magnitude `[out]`, for a convolution `[1, out, 1…]`. */
export function magnitudeToFile(magnitude: Tensor, kernelRank: number): Promise<NamedArray> {
  return arrayOf(() => reshape(magnitude, magnitudeShape(magnitude.size, kernelRank)));
}

/** The shape of a magnitude in a file. */
export function magnitudeShape(outputs: number, kernelRank: number): number[] {
  return kernelRank === 2 ? [outputs] : [1, outputs, ...ones(kernelRank - 2)];
}

/** The shapes of A and B in a file, for a kernel `[window…, in, out]` and a rank. */
export function factorShapes(
  kernel: readonly number[],
  rank: number,
): { readonly a: number[]; readonly b: number[] } {
  const [window, [inputs, outputs]] = [kernel.slice(0, -2), kernel.slice(-2) as [number, number]];
  return { a: [rank, inputs, ...window], b: [outputs, rank, ...window.map(() => 1)] };
}

/** The kernel `[window…, in, out]` of what lies in a file as `[out, in, window…]`. */
export function fromFile(array: Tensor): Tensor {
  const { rank } = array;
  return transpose(array, [...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1, 0]);
}

/** A plain copy of a weight. */
export function asArray(value: Tensor): Promise<NamedArray> {
  return arrayOf(() => value.clone());
}

async function arrayOf(make: () => Tensor): Promise<NamedArray> {
  const made = tidy(make);
  const values = (await made.data()).slice() as Float32Array;
  const { shape } = made;
  made.dispose();
  return { shape, values };
}

function outwards(rank: number): number[] {
  return [rank - 1, rank - 2, ...Array.from({ length: rank - 2 }, (_, i) => i)];
}

function ones(count: number): number[] {
  return Array.from({ length: count }, () => 1);
}
